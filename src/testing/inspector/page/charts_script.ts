/** Counters, and the histogram of how long transactions took. */
export const CHARTS_SCRIPT = `// Counters, and the histogram of how long transactions took.
import { counted, draw, formatCount, icon, make, STATES } from "./format.js";

const ALWAYS = ["open", "visible", "rolledBack", "givenUp"];
const WIDTH = 420, HEIGHT = 80, BASE = 62;

export function showCounters(list, counters) {
  const wanted = STATES
    .filter(({ name }) => ALWAYS.includes(name) || counters.states[name] > 0)
    .map(({ name, label }) => ({ name, label, count: counters.states[name] }));
  wanted.push({ name: "checks", label: "Check-backs", count: counters.checks });
  for (const { name, label, count } of wanted) {
    let value = list.querySelector('[data-counter="' + name + '"]');
    if (!value) {
      value = make("dd", { "data-counter": name });
      list.append(make("div", {}, [make("dt", {}, [icon(name), label]), value]));
    }
    const text = formatCount(count);
    if (value.textContent !== text) value.textContent = text;
  }
}

export function showHistogram(place, quantiles, latency) {
  const total = latency.counts.reduce((sum, count) => sum + count, 0);
  const key = latency.counts.join();
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  const words = total === 0
    ? "no transaction has ended yet"
    : "half " + atMost(latency.median, latency) + ", 95 % " + atMost(latency.p95, latency);
  quantiles.textContent = words;
  const label = "Histogram of " + counted(total, "transaction", "transactions") + ": " + words;
  place.replaceChildren(chart(latency, label));
}

function atMost(bound, latency) {
  if (bound !== null) return "within " + formatBound(bound);
  return "over " + formatBound(latency.bounds[latency.bounds.length - 1]);
}

function chart({ bounds, counts }, label) {
  const most = Math.max(1, ...counts);
  const step = WIDTH / counts.length;
  const svg = draw("svg", {
    viewBox: "0 0 " + WIDTH + " " + HEIGHT,
    role: "img",
    "aria-label": label,
    class: "chart",
  });
  svg.append(draw("line", { class: "axis", x1: 0, x2: WIDTH, y1: BASE + 0.5, y2: BASE + 0.5 }));
  counts.forEach((count, bar) => {
    const height = count === 0 ? 0 : Math.max(2, Math.round(count / most * (BASE - 14)));
    const x = bar * step;
    const title = draw("title");
    const range = bar < bounds.length
      ? "up to " + formatBound(bounds[bar])
      : "over " + formatBound(bounds[bounds.length - 1]);
    title.textContent = range + ": " + formatCount(count);
    svg.append(draw("rect", {
      class: "column",
      x: x + 2,
      y: BASE - height,
      width: step - 4,
      height,
      rx: 2,
    }, [title]));
    if (count > 0) svg.append(text(x + step / 2, BASE - height - 4, formatCount(count), "count"));
    if (bar % 3 === 0 && bar < bounds.length) {
      svg.append(text(x + step / 2, HEIGHT - 5, "≤ " + formatBound(bounds[bar]), "tick"));
    }
  });
  return svg;
}

function formatBound(ms) {
  return ms < 1000 ? ms + " ms" : ms / 1000 + " s";
}

function text(x, y, value, name) {
  const element = draw("text", { x, y, class: name, "text-anchor": "middle" });
  element.textContent = value;
  return element;
}
`;
