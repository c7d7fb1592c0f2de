/** The transactions that the page knows, as many as the server keeps. */
export const STORE_SCRIPT = `// The transactions that the page knows, as many as the server keeps.
import { labelOf } from "./format.js";

export class Store {
  constructor() {
    this.limit = 10000;
    // The one that changed last is last.
    this.byId = new Map();
    this.counters = null;
    this.latency = null;
    this.clockOffset = 0;
  }

  clear() {
    this.byId.clear();
  }

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

  // Those that match, the newest first.
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

function matches(one, wanted) {
  return one.id.toLowerCase().includes(wanted) || one.topic.toLowerCase().includes(wanted) ||
    labelOf(one.state).toLowerCase().includes(wanted) ||
    one.keys.some((key) => key.toLowerCase().includes(wanted));
}
`;
