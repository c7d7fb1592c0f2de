// Counters, and the histogram of how long transactions took.
/** @import { ChangesEvent } from "../event_streams.ts" */
import { counted, draw, formatCount, icon, make, STATES } from "./format.js";

/** @typedef {ChangesEvent["latency"]} Latency */

/** @type {readonly string[]} */
const ALWAYS = ["open", "visible", "rolledBack", "givenUp"];
const WIDTH = 420, HEIGHT = 80, BASE = 62;

/**
 * @param {HTMLElement} list
 * @param {ChangesEvent["counters"]} counters
 */
export function showCounters(list, counters) {
  const states = STATES
    .filter(({ name }) => ALWAYS.includes(name) || counters.states[name] > 0)
    .map(({ name, label }) => ({ name, label, count: counters.states[name] }));
  const wanted = [...states, { name: "checks", label: "Check-backs", count: counters.checks }];
  for (const { name, label, count } of wanted) {
    let value = list.querySelector(`[data-counter="${name}"]`);
    if (!value) {
      value = make("dd", { "data-counter": name });
      list.append(make("div", {}, [make("dt", {}, [icon(name), label]), value]));
    }
    const text = formatCount(count);
    if (value.textContent !== text) value.textContent = text;
  }
}

/**
 * @param {HTMLElement} place
 * @param {HTMLElement} quantiles
 * @param {Latency} latency
 */
export function showHistogram(place, quantiles, latency) {
  const total = latency.counts.reduce((sum, count) => sum + count, 0);
  const key = latency.counts.join();
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  const words = total === 0
    ? "no transaction has ended yet"
    : `p50 ${atMost(latency.median, latency)} · p95 ${atMost(latency.p95, latency)}`;
  quantiles.textContent = words;
  const label = `Histogram of ${counted(total, "transaction", "transactions")}: ${words}`;
  place.replaceChildren(chart(latency, label));
}

/**
 * @param {number | null | undefined} bound
 * @param {Latency} latency
 */
function atMost(bound, latency) {
  return typeof bound === "number" ? `≤ ${formatBound(bound)}` : overLast(latency);
}

/** @param {Latency} latency */
function overLast({ bounds }) {
  return `over ${formatBound(bounds.at(-1) ?? 0)}`;
}

/**
 * @param {Latency} latency
 * @param {string} label
 */
function chart(latency, label) {
  const { bounds, counts } = latency;
  const most = Math.max(1, ...counts);
  const step = WIDTH / counts.length;
  const svg = draw("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": label,
    class: "chart",
  });
  svg.append(draw("line", { class: "axis", x1: 0, x2: WIDTH, y1: BASE + 0.5, y2: BASE + 0.5 }));
  counts.forEach((count, bar) => {
    const height = count === 0 ? 0 : Math.max(2, Math.round(count / most * (BASE - 14)));
    const x = bar * step, bound = bounds[bar];
    const title = draw("title");
    const range = bound === undefined ? overLast(latency) : `up to ${formatBound(bound)}`;
    title.textContent = `${range}: ${formatCount(count)}`;
    svg.append(draw("rect", {
      class: "column",
      x: x + 2,
      y: BASE - height,
      width: step - 4,
      height,
      rx: 2,
    }, [title]));
    if (count > 0) svg.append(text(x + step / 2, BASE - height - 4, formatCount(count), "count"));
    if (bar % 3 === 0 && bound !== undefined) {
      svg.append(text(x + step / 2, HEIGHT - 5, `≤ ${formatBound(bound)}`, "tick"));
    }
  });
  return svg;
}

/** @param {number} ms */
function formatBound(ms) {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} value
 * @param {string} name
 */
function text(x, y, value, name) {
  const element = draw("text", { x, y, class: name, "text-anchor": "middle" });
  element.textContent = value;
  return element;
}
