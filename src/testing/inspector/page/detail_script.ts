/** The view of one transaction: its facts, its timeline and its message. */
export const DETAIL_SCRIPT =
  `// The view of one transaction: its facts, its timeline and its message.
import { counted, formatDuration, formatTime, icon, isSettled, labelOf, make } from "./format.js";

const ICONS = { plain: "plain", good: "visible", end: "rolledBack", warn: "givenUp" };

export class Detail {
  constructor(place, onClose) {
    this.place = place;
    this.onClose = onClose;
    this.id = null;
    this.change = 0;
    this.isLoading = false;
    this.messageState = null;
    this.title = make("h2", { id: "detail-title", tabindex: "-1" });
    this.state = make("p", { className: "state" });
    this.facts = make("dl", { className: "facts" });
    this.steps = make("ol", { className: "steps", "aria-labelledby": "steps-title" });
    this.message = make("div", { className: "message" });
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

  // Fetches the transaction when it has changed. A summary may be missing: it was forgotten.
  async refresh(change) {
    if (this.id === null || this.isLoading || change <= this.change) return;
    const id = this.id;
    this.isLoading = true;
    try {
      const path = "/transactions/" + encodeURIComponent(id);
      const response = await fetch(path);
      if (this.id !== id) return;
      if (!response.ok) {
        this.change = change;
        this.state.textContent = "The inspector does not know this transaction, or not any more.";
        return;
      }
      const detail = await response.json();
      if (this.id !== id) return;
      this.change = Math.max(change, detail.change);
      this.show(detail);
      if (this.canPreview && this.messageState !== detail.state) {
        this.messageState = detail.state;
        const found = await fetch(path + "/message");
        if (found.ok && this.id === id) this.showMessage(await found.json(), detail);
      }
    } catch {
      // The connection is lost: the next change brings it anew.
    } finally {
      this.isLoading = false;
    }
  }

  show(detail) {
    this.state.dataset.state = detail.state;
    this.state.replaceChildren(icon(detail.state), make("span", { text: sentence(detail) }));
    this.facts.replaceChildren(...factsOf(detail).flatMap(([name, value]) => [
      make("dt", { text: name }),
      make("dd", { text: value }),
    ]));
    const items = detail.steps.map((step) => item(step, detail.steps[0].at));
    if (detail.droppedSteps > 0) {
      const text = counted(detail.droppedSteps, "step is", "steps are") + " left out here";
      items.splice(20, 0, make("li", { className: "left-out", text }));
    }
    this.steps.replaceChildren(...items);
  }

  showMessage(message, detail) {
    const title = make("h3", { text: "Message" });
    if (!message) {
      const text = detail.state === "rolledBack"
        ? "It was rolled back, and no message came of it."
        : "The broker has no message of this transaction.";
      return this.message.replaceChildren(title, make("p", { className: "muted", text }));
    }
    const size = counted(message.size, "byte", "bytes");
    const about = message.tags ? size + ", tag " + message.tags : size;
    const body = make("pre", { text: message.body, tabindex: "0", "aria-label": "Body" });
    const names = Object.entries(message.properties);
    const properties = make("details", {}, [
      make("summary", { text: counted(names.length, "property", "properties") }),
      make("dl", { className: "facts" }, names.flatMap(([name, value]) => [
        make("dt", { text: name }),
        make("dd", { text: value }),
      ])),
    ]);
    const parts = [title, make("p", { className: "muted", text: about }), body, properties];
    this.message.replaceChildren(...parts);
  }
}

function sentence(one) {
  const { state, checks, startedAt, endedAt, copies, isWhole } = one;
  const label = copies > 1 ? labelOf(state) + " " + counted(copies, "time", "times") : labelOf(state);
  const asked = checks === 0 ? "" : ", asked " + counted(checks, "time", "times");
  if (!isWhole || (endedAt === undefined && isSettled(one))) return label + asked;
  return endedAt === undefined
    ? label + " since " + formatTime(startedAt) + asked
    : label + " after " + formatDuration(endedAt - startedAt) + asked;
}

function factsOf({ topic, keys, group, broker }) {
  return [
    ["Topic", topic],
    [keys.length > 1 ? "Keys" : "Key", keys.join(", ")],
    ["Group", group],
    ["Broker", broker],
  ].filter((fact) => fact[1] !== "");
}

function item(step, start) {
  const when = make("time", {
    text: "+" + formatDuration(step.at - start),
    datetime: new Date(step.at).toISOString(),
    title: formatTime(step.at),
  });
  const words = [make("p", { className: "what", text: step.title })];
  if (step.detail) words.push(make("p", { className: "more", text: step.detail }));
  const origin = make("span", { className: "origin", text: step.origin });
  return make("li", { className: "step is-" + step.tone }, [
    when,
    icon(ICONS[step.tone]),
    make("div", {}, words),
    origin,
  ]);
}
`;
