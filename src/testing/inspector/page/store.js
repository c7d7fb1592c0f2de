// The transactions that the page knows, as many as the server keeps.
/** @import { ChangesEvent } from "../event_streams.ts" */
/** @import { TransactionSummary } from "../record.ts" */
import { labelOf } from "./format.js";

export class Store {
  limit = 10_000;
  /**
   * The transaction that changed last is last.
   *
   * @type {Map<string, TransactionSummary>}
   */
  byId = new Map();
  /** @type {ChangesEvent["counters"] | null} */
  counters = null;
  /** @type {ChangesEvent["latency"] | null} */
  latency = null;
  clockOffset = 0;

  clear() {
    this.byId.clear();
  }

  /** @param {ChangesEvent} update */
  take(update) {
    this.clockOffset = update.now - Date.now();
    this.counters = update.counters;
    this.latency = update.latency;
    for (const summary of update.changes) {
      this.byId.delete(summary.id);
      this.byId.set(summary.id, summary);
    }
    for (const id of this.byId.keys()) {
      if (this.byId.size <= this.limit) break;
      this.byId.delete(id);
    }
  }

  now() {
    return Date.now() + this.clockOffset;
  }

  /**
   * Returns those that match, the newest first.
   *
   * @param {string} query
   * @param {string} state
   */
  find(query, state) {
    const wanted = query.trim().toLowerCase();
    const found = [];
    for (const one of this.byId.values()) {
      if (state && one.state !== state) continue;
      if (wanted && !matches(one, wanted)) continue;
      found.push(one);
    }
    return found.sort((a, b) => b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1));
  }
}

/**
 * @param {TransactionSummary} one
 * @param {string} wanted
 */
function matches(one, wanted) {
  return [one.id, one.topic, labelOf(one.state), ...one.keys]
    .some((text) => text.toLowerCase().includes(wanted));
}
