// The table of transactions: a bounded number of rows, each made once and then changed.
/** @import { TransactionSummary } from "../record.ts" */
import {
  formatCount,
  formatDuration,
  formatTime,
  icon,
  isSettled,
  labelOf,
  make,
} from "./format.js";

export const MAX_ROWS = 200;

/** Characters at the end of an id that are always shown. */
const ID_TAIL = 10;

/** @typedef {ReturnType<typeof makeRow>} Row */

export class List {
  /** @type {Map<string, Row>} */
  rows = new Map();

  /**
   * @param {HTMLElement} body
   * @param {(id: string) => void} onOpen
   */
  constructor(body, onOpen) {
    this.body = body;
    body.addEventListener("click", ({ target }) => {
      if (!(target instanceof Element) || target.closest("a")) return;
      const id = target.closest("tr")?.dataset.id;
      if (id !== undefined && String(getSelection()) === "") onOpen(id);
    });
    body.addEventListener("keydown", (event) => this.move(event));
  }

  /**
   * Shows the first of those that were found.
   *
   * @param {readonly TransactionSummary[]} found
   * @param {string | null} selected
   * @param {number} now
   */
  show(found, selected, now) {
    const shown = found.slice(0, MAX_ROWS);
    const wanted = new Set(shown.map((one) => one.id));
    for (const [id, row] of this.rows) {
      if (wanted.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    let before = this.body.firstElementChild;
    for (const one of shown) {
      let row = this.rows.get(one.id);
      if (!row) {
        row = makeRow(one);
        this.rows.set(one.id, row);
      }
      fill(row, one, selected, now);
      // Only what is out of place is moved, so that what has the focus keeps it.
      if (row.element === before) before = before.nextElementSibling;
      else this.body.insertBefore(row.element, before);
    }
  }

  /** @param {string} id */
  focus(id) {
    const row = this.rows.get(id);
    row?.link.focus();
    return row !== undefined;
  }

  /**
   * Gives the focus to the row beside the selected one, or to the first one. Returns whether there is any.
   *
   * @param {string | null} selected
   * @param {number} step
   */
  enter(selected, step) {
    const row = selected === null ? undefined : this.rows.get(selected)?.element;
    const beside = step > 0 ? row?.nextElementSibling : row?.previousElementSibling;
    const to = beside ?? row ?? this.body.firstElementChild;
    to?.querySelector("a")?.focus();
    return to !== null;
  }

  /** @param {KeyboardEvent} event */
  move(event) {
    const row = event.target instanceof Element ? event.target.closest("tr") : null;
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const to = new Map([
      ["ArrowDown", row.nextElementSibling],
      ["j", row.nextElementSibling],
      ["ArrowUp", row.previousElementSibling],
      ["k", row.previousElementSibling],
      ["Home", this.body.firstElementChild],
      ["End", this.body.lastElementChild],
    ]).get(event.key);
    if (!to) return;
    event.preventDefault();
    to.querySelector("a")?.focus();
  }
}

/** @param {TransactionSummary} one */
function makeRow(one) {
  // Ids of one producer begin alike: where there is no room, their ends stay.
  const href = `#${encodeURIComponent(one.id)}`;
  const link = make("a", { className: "id", href, "aria-label": one.id }, [
    make("span", { className: "id-head", text: one.id.slice(0, -ID_TAIL) }),
    make("span", { className: "id-tail", text: one.id.slice(-ID_TAIL) }),
  ]);
  const about = make("span", { className: "about" });
  const state = make("td", { className: "state" });
  const checks = make("td", { className: "number" });
  const started = make("td", { className: "number time" });
  const took = make("td", { className: "number" });
  const name = make("th", { scope: "row" }, [link, about]);
  const element = make("tr", { "data-id": one.id }, [state, name, checks, started, took]);
  return { element, link, about, state, checks, started, took, change: 0 };
}

/**
 * @param {Row} row
 * @param {TransactionSummary} one
 * @param {string | null} selected
 * @param {number} now
 */
function fill(row, one, selected, now) {
  const isSelected = one.id === selected;
  if (isSelected !== row.element.classList.contains("selected")) {
    row.element.classList.toggle("selected", isSelected);
    if (isSelected) row.link.setAttribute("aria-current", "true");
    else row.link.removeAttribute("aria-current");
  }
  if (one.endedAt === undefined || row.change !== one.change) {
    const took = (one.endedAt ?? now) - one.startedAt;
    const isKnown = one.isWhole && (one.endedAt !== undefined || !isSettled(one));
    put(row.took, isKnown ? formatDuration(took) : "–");
  }
  if (row.change === one.change) return;
  row.change = one.change;
  if (row.state.dataset.state !== one.state) {
    row.state.dataset.state = one.state;
    row.state.replaceChildren(icon(one.state), make("span", { text: labelOf(one.state) }));
  }
  const copies = one.copies > 1 ? `${formatCount(one.copies)} copies` : "";
  const about = [one.topic, one.keys.join(" "), copies].filter((text) => text !== "");
  put(row.about, about.join("  ·  "));
  put(row.checks, one.checks === 0 ? "–" : formatCount(one.checks));
  put(row.started, (one.isWhole ? "" : "by ") + formatTime(one.startedAt));
}

/**
 * @param {Element} element
 * @param {string} text
 */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
