/** Words and numbers as people read them, and elements with text in them. */
export const FORMAT_SCRIPT =
  `// Words and numbers as people read them, and elements with text in them.
export const STATES = [
  { name: "open", label: "Waiting" },
  { name: "visible", label: "Visible" },
  { name: "rolledBack", label: "Rolled back" },
  { name: "givenUp", label: "Given up" },
  { name: "notSent", label: "Not sent" },
  { name: "notFound", label: "Not found" },
];

export function labelOf(state) {
  const found = STATES.find((one) => one.name === state);
  return found ? found.label : state;
}

export function isSettled({ state }) {
  return state !== "open" && state !== "notFound";
}

export function formatDuration(ms) {
  const value = Math.max(0, ms);
  if (value < 1000) return Math.round(value) + " ms";
  if (value < 10000) return (value / 1000).toFixed(2) + " s";
  if (value < 60000) return (value / 1000).toFixed(1) + " s";
  const seconds = Math.floor(value / 1000);
  if (seconds < 3600) return Math.floor(seconds / 60) + " min " + (seconds % 60) + " s";
  return Math.floor(seconds / 3600) + " h " + Math.floor(seconds % 3600 / 60) + " min";
}

export function formatTime(at) {
  const date = new Date(at);
  const two = (value) => String(value).padStart(2, "0");
  return two(date.getHours()) + ":" + two(date.getMinutes()) + ":" + two(date.getSeconds()) + "." +
    String(date.getMilliseconds()).padStart(3, "0");
}

export function formatCount(count) {
  return count.toLocaleString("en");
}

export function counted(count, one, many) {
  return formatCount(count) + " " + (count === 1 ? one : many);
}

// Text goes in as text: nothing that a message says can become an element.
export function make(tag, settings, children) {
  const { text, className, ...attributes } = settings || {};
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  for (const child of children || []) element.append(child);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function draw(tag, attributes, children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  for (const child of children || []) element.append(child);
  return element;
}

export function icon(name) {
  const use = draw("use", { href: "#i-" + name });
  return draw("svg", { class: "icon is-" + name, "aria-hidden": "true", focusable: "false" }, [use]);
}
`;
