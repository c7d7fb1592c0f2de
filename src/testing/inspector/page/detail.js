// The view of one transaction: its facts, its timeline and its message.
/** @import { MessagePreview } from "../message_preview.ts" */
/** @import { InspectedStep, TransactionDetail, TransactionSummary } from "../record.ts" */
import { counted, formatDuration, formatTime, icon, isSettled, labelOf, make } from "./format.js";

const ICONS = { plain: "plain", good: "visible", end: "rolledBack", warn: "givenUp" };

export class Detail {
  /** @type {string | null} */
  id = null;
  change = 0;
  isLoading = false;
  canPreview = false;
  /** @type {string | null} */
  messageState = null;
  title = make("h2", { id: "detail-title", tabindex: "-1" });
  state = make("p", { className: "state" });
  facts = make("dl", { className: "facts" });
  steps = make("ol", { className: "steps", "aria-labelledby": "steps-title" });
  message = make("div", { className: "message" });

  /**
   * @param {HTMLElement} place
   * @param {() => void} onClose
   */
  constructor(place, onClose) {
    this.place = place;
    const close = make("button", { type: "button", text: "Close", "aria-keyshortcuts": "Escape" });
    close.addEventListener("click", () => onClose());
    place.append(
      make("div", { className: "detail-top" }, [this.title, close]),
      this.state,
      this.facts,
      make("h3", { id: "steps-title", text: "Timeline" }),
      this.steps,
      this.message,
    );
  }

  /**
   * @param {string} id
   * @param {boolean} canPreview
   */
  open(id, canPreview) {
    this.id = id;
    this.change = 0;
    this.messageState = null;
    this.canPreview = canPreview;
    this.title.replaceChildren(
      make("span", { className: "unseen", text: "Transaction " }),
      make("span", { className: "id", text: id }),
    );
    this.facts.replaceChildren();
    this.steps.replaceChildren();
    this.message.replaceChildren();
    this.state.replaceChildren();
    this.place.hidden = false;
    this.place.scrollTop = 0;
  }

  close() {
    this.id = null;
    this.place.hidden = true;
  }

  /**
   * Fetches the transaction when it has changed. A summary may be missing: it was forgotten.
   *
   * @param {number} change
   */
  async refresh(change) {
    if (this.id === null || this.isLoading || change <= this.change) return;
    const id = this.id;
    this.isLoading = true;
    try {
      const path = `/transactions/${encodeURIComponent(id)}`;
      const response = await fetch(path);
      if (this.id !== id) return;
      if (!response.ok) {
        this.change = change;
        this.state.textContent = "The inspector does not know this transaction, or not any more.";
        return;
      }
      /** @type {TransactionDetail} */
      const detail = await response.json();
      if (this.id !== id) return;
      this.change = Math.max(change, detail.change);
      this.show(detail);
      if (this.canPreview && this.messageState !== detail.state) {
        this.messageState = detail.state;
        const found = await fetch(`${path}/message`);
        if (found.ok && this.id === id) this.showMessage(await found.json(), detail);
      }
    } catch {
      // The connection is lost: the next change brings it anew.
    } finally {
      this.isLoading = false;
    }
  }

  /** @param {TransactionDetail} detail */
  show(detail) {
    this.state.dataset.state = detail.state;
    this.state.replaceChildren(icon(detail.state), make("span", { text: sentence(detail) }));
    this.facts.replaceChildren(...pairs(factsOf(detail)));
    const start = detail.steps[0]?.at ?? 0;
    const items = detail.steps.map((step) => item(step, start));
    if (detail.droppedSteps > 0) {
      const text = `${counted(detail.droppedSteps, "step is", "steps are")} left out here`;
      items.splice(20, 0, make("li", { className: "left-out", text }));
    }
    this.steps.replaceChildren(...items);
  }

  /**
   * @param {MessagePreview | null} message
   * @param {TransactionDetail} detail
   */
  showMessage(message, detail) {
    const title = make("h3", { text: "Message" });
    if (!message) {
      const text = detail.state === "rolledBack"
        ? "It was rolled back, and no message came of it."
        : "The broker has no message of this transaction.";
      this.message.replaceChildren(title, make("p", { className: "muted", text }));
      return;
    }
    const size = counted(message.size, "byte", "bytes");
    const about = message.tags ? `${size}, tag ${message.tags}` : size;
    const body = make("pre", { text: message.body, tabindex: "0", "aria-label": "Body" });
    const names = Object.entries(message.properties);
    const properties = make("details", {}, [
      make("summary", { text: counted(names.length, "property", "properties") }),
      make("dl", { className: "facts" }, pairs(names)),
    ]);
    const parts = [title, make("p", { className: "muted", text: about }), body, properties];
    this.message.replaceChildren(...parts);
  }
}

/** @param {TransactionSummary} one */
function sentence(one) {
  const { state, checks, startedAt, endedAt, copies, isWhole } = one;
  const label = copies > 1
    ? `${labelOf(state)} ${counted(copies, "time", "times")}`
    : labelOf(state);
  const asked = checks === 0 ? "" : `, asked ${counted(checks, "time", "times")}`;
  if (!isWhole || (endedAt === undefined && isSettled(one))) return label + asked;
  return endedAt === undefined
    ? `${label} since ${formatTime(startedAt)}${asked}`
    : `${label} after ${formatDuration(endedAt - startedAt)}${asked}`;
}

/**
 * @param {TransactionSummary} one
 * @returns {[name: string, value: string][]}
 */
function factsOf({ topic, keys, group, broker }) {
  /** @type {[string, string][]} */
  const facts = [
    ["Topic", topic],
    [keys.length > 1 ? "Keys" : "Key", keys.join(", ")],
    ["Group", group],
    ["Broker", broker],
  ];
  return facts.filter(([, value]) => value !== "");
}

/** @param {[name: string, value: string][]} facts */
function pairs(facts) {
  return facts.flatMap(([name, value]) => [
    make("dt", { text: name }),
    make("dd", { text: value }),
  ]);
}

/**
 * @param {InspectedStep} step
 * @param {number} start
 */
function item(step, start) {
  const when = make("time", {
    text: `+${formatDuration(step.at - start)}`,
    datetime: new Date(step.at).toISOString(),
    title: formatTime(step.at),
  });
  const words = [make("p", { className: "what", text: step.title })];
  if (step.detail) words.push(make("p", { className: "more", text: step.detail }));
  const origin = make("span", { className: "origin", text: step.origin });
  return make("li", { className: `step is-${step.tone}` }, [
    when,
    icon(ICONS[step.tone]),
    make("div", {}, words),
    origin,
  ]);
}
