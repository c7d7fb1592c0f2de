// What holds the page together.
/** @import { HelloEvent } from "../event_streams.ts" */
import { showCounters, showHistogram } from "./charts.js";
import { Connection } from "./connection.js";
import { Detail } from "./detail.js";
import { counted, formatCount, make, STATES } from "./format.js";
import { List, MAX_ROWS } from "./list.js";
import { Store } from "./store.js";

const RENDER_INTERVAL = 200;
const ANNOUNCE_INTERVAL = 5000;

/** @param {string} id */
function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no element ${id}`);
  return element;
}

/** @param {string} id */
function inputById(id) {
  return /** @type {HTMLInputElement} */ (byId(id));
}

const store = new Store();
const list = new List(byId("rows"), (id) => open(id));
const detail = new Detail(byId("detail"), () => open(null));
const view = {
  query: "",
  state: "",
  isPaused: false,
  /** @type {HelloEvent["mode"]} */
  mode: "broker",
  source: "",
  /** @type {boolean | null} */
  isLive: null,
};
let isDirty = true, announcement = "", announcedAt = 0;
/** @type {number | null} */
let lastGivenUp = null;

/**
 * Opens a transaction by a change of the address: links, history and reload work.
 *
 * @param {string | null} id
 */
function open(id) {
  if (id === null) history.pushState(null, "", location.pathname);
  else if (location.hash !== `#${encodeURIComponent(id)}`) {
    history.pushState(null, "", `#${encodeURIComponent(id)}`);
  }
  showSelected(true);
}

function selectedId() {
  try {
    return location.hash.length > 1 ? decodeURIComponent(location.hash.slice(1)) : null;
  } catch {
    return null;
  }
}

/** @param {boolean} moveFocus */
function showSelected(moveFocus) {
  const id = selectedId();
  const before = detail.id;
  byId("panes").classList.toggle("has-detail", id !== null);
  if (id === null) {
    detail.close();
    render();
    if (before !== null && moveFocus && !list.focus(before)) byId("transactions").focus();
    return;
  }
  if (id !== before) detail.open(id, view.mode === "broker");
  render();
  refreshDetail();
  if (moveFocus) detail.title.focus();
}

function refreshDetail() {
  if (detail.id === null) return;
  const summary = store.byId.get(detail.id);
  detail.refresh(summary ? summary.change : 1);
}

function render() {
  isDirty = false;
  const found = store.find(view.query, view.state);
  list.show(found, selectedId(), store.now());
  byId("table").hidden = found.length === 0;
  showEmpty(found.length === 0);
  byId("shown").textContent = found.length <= MAX_ROWS
    ? counted(found.length, "transaction", "transactions")
    : `The newest ${MAX_ROWS} of ${formatCount(found.length)} transactions; ` +
      "find by id, key, topic or state to see others";
  return found.length;
}

/** @param {boolean} isEmpty */
function showEmpty(isEmpty) {
  const empty = byId("empty");
  empty.hidden = !isEmpty;
  if (!isEmpty) return;
  const isFiltered = view.query !== "" || view.state !== "";
  const key = isFiltered + view.mode + view.source;
  if (empty.dataset.key === key) return;
  empty.dataset.key = key;
  if (isFiltered) {
    const clear = make("button", { type: "button", text: "Show all" });
    clear.addEventListener("click", () => clearFilter());
    empty.replaceChildren(make("h3", { text: "Nothing matches" }), clear);
    return;
  }
  const { text, code } = howToBegin();
  empty.replaceChildren(make("h3", { text: "No transactions yet" }), make("p", { text }));
  if (code) empty.append(make("pre", { text: code, tabindex: "0", "aria-label": "Example" }));
}

const SEND = `await producer.sendMessageInTransaction({ topic: "orders", body });`;

/** @returns {{ text: string, code?: string }} */
function howToBegin() {
  switch (view.mode) {
    case "broker":
      return {
        text: "Send one to the embedded broker, and it appears here at once:",
        code: `const producer = new TransactionProducer({
  nameServers: "${view.source.split(" ").pop()}",
  producerGroup: "orders",
  topics: ["orders"],
  transactionListener,
});
await producer.start();
${SEND}`,
      };
    case "cluster":
      return {
        text: "Enter the id of a transaction above: the brokers are asked, and nothing is changed.",
      };
    case "producer":
      return { text: "They appear here as soon as the producer sends one:", code: SEND };
  }
}

/**
 * Tells a screen reader something: seldom, and the last word only.
 *
 * @param {string} text
 */
function announce(text) {
  announcement = text;
}

function clearFilter() {
  inputById("query").value = "";
  inputById("state-all").checked = true;
  view.query = view.state = "";
  render();
  byId("query").focus();
}

function filterChanged() {
  view.query = inputById("query").value;
  /** @type {HTMLInputElement | null} */
  const chosen = document.querySelector('input[name="state"]:checked');
  view.state = chosen?.value ?? "";
  announce(counted(render(), "transaction", "transactions"));
}

function showStates() {
  const choices = [{ name: "", label: "All" }, ...STATES.slice(0, 4)];
  for (const { name, label } of choices) {
    const id = `state-${name || "all"}`;
    const input = make("input", { type: "radio", name: "state", id, value: name });
    if (name === "") input.checked = true;
    byId("states").append(input, make("label", { for: id, text: label }));
  }
  byId("states").addEventListener("change", filterChanged);
  byId("query").addEventListener("input", filterChanged);
}

/**
 * @param {string} path
 * @param {string} [body]
 */
async function post(path, body = "") {
  const response = await fetch(path, { method: "POST", body });
  if (!response.ok) throw new Error(await response.text());
  return await response.json();
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

byId("check-now").addEventListener("click", async () => {
  try {
    const { asked } = await post("/check-now");
    announce(`Checked back about ${counted(asked, "transaction", "transactions")}`);
  } catch (error) {
    announce(`Not checked back: ${messageOf(error)}`);
  }
});

byId("look-up").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = inputById("look-up-id"), result = byId("look-up-result");
  result.textContent = "Asking the brokers";
  try {
    const { id, problem } = await post("/watch", input.value);
    result.textContent = problem ? `The cluster does not answer: ${problem}` : "";
    if (!problem) open(id);
  } catch (error) {
    result.textContent = messageOf(error);
  }
});

byId("pause").addEventListener("click", () => {
  view.isPaused = !view.isPaused;
  byId("pause").textContent = view.isPaused ? "Resume" : "Pause";
  byId("pause").title = view.isPaused
    ? "Show what has happened meanwhile"
    : "Keep the list as it is now; the counters go on";
  showLink();
});

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const { target } = event;
  const field = target instanceof HTMLInputElement && target.type !== "radio" ? target : null;
  if (event.key === "/" && !field) {
    event.preventDefault();
    byId("query").focus();
  } else if (event.key === "Escape" && detail.id !== null && !field?.value) {
    open(null);
  } else if (!field && !event.defaultPrevented) entersList(event);
});

/**
 * Arrows lead into the list from everywhere but from what they scroll, also from the filter: left and right
 * change that.
 *
 * @param {KeyboardEvent} event
 */
function entersList(event) {
  const isArrow = event.key === "ArrowDown" || event.key === "ArrowUp";
  if (!isArrow && event.key !== "j" && event.key !== "k") return;
  if (isArrow && event.target instanceof Element && event.target.closest("#detail, pre")) return;
  const step = event.key === "ArrowDown" || event.key === "j" ? 1 : -1;
  if (list.enter(selectedId(), step)) event.preventDefault();
}

// The address is kept for the transaction that is open.
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  byId("transactions").focus();
});

addEventListener("popstate", () => showSelected(true));

function showLink() {
  const [state, text] = linkState();
  byId("link").dataset.state = state;
  byId("link-text").textContent = text;
}

/** @returns {[state: string, text: string]} */
function linkState() {
  if (view.isLive === null) return ["lost", "Connecting"];
  if (!view.isLive) return ["lost", "Connection lost, trying again"];
  return view.isPaused ? ["paused", "Paused"] : ["live", "Live"];
}

/** @param {string | null} problem */
function showProblem(problem) {
  byId("problem").hidden = problem === null;
  const text = problem === null ? "" : `The cluster does not answer: ${problem}`;
  if (byId("problem").textContent !== text) byId("problem").textContent = text;
}

showStates();
new Connection({
  hello(greeting) {
    if (!greeting.isResumed) store.clear();
    store.limit = greeting.limit;
    view.mode = greeting.mode;
    view.source = greeting.source;
    byId("source").textContent = greeting.source;
    byId("check-now").hidden = greeting.mode !== "broker";
    byId("look-up").hidden = !greeting.canWatch;
    isDirty = true;
    showSelected(false);
  },
  changes(update) {
    store.take(update);
    showProblem(update.problem);
    const { givenUp } = update.counters.states;
    if (lastGivenUp !== null && givenUp > lastGivenUp) {
      announce(`${counted(givenUp, "transaction was", "transactions were")} given up so far`);
    }
    lastGivenUp = givenUp;
    isDirty = true;
  },
  live(isLive) {
    if (view.isLive === isLive) return;
    if (view.isLive !== null) announce(isLive ? "Connected again" : "Connection lost");
    view.isLive = isLive;
    showLink();
  },
});

let renderedAt = 0;
setInterval(() => {
  if (store.counters && store.latency && !document.hidden) {
    showCounters(byId("counters"), store.counters);
    showHistogram(byId("histogram"), byId("quantiles"), store.latency);
    refreshDetail();
    // Running times go on also where nothing changes.
    const isDue = isDirty || Date.now() - renderedAt >= 1000;
    if (isDue && !view.isPaused) {
      render();
      renderedAt = Date.now();
    }
  }
  if (announcement && Date.now() - announcedAt >= ANNOUNCE_INTERVAL) {
    byId("announcer").textContent = announcement;
    announcement = "";
    announcedAt = Date.now();
  }
}, RENDER_INTERVAL);
