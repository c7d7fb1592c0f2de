// Words and numbers as people read them, and elements with text in them.
/** @import { InspectedState } from "../record.ts" */

/** @type {readonly { name: InspectedState, label: string }[]} */
export const STATES = [
  { name: "open", label: "Waiting" },
  { name: "visible", label: "Visible" },
  { name: "rolledBack", label: "Rolled back" },
  { name: "givenUp", label: "Given up" },
  { name: "notSent", label: "Not sent" },
  { name: "notFound", label: "Not found" },
];

/** @param {InspectedState} state */
export function labelOf(state) {
  return STATES.find((one) => one.name === state)?.label ?? state;
}

/** @param {{ state: InspectedState }} one */
export function isSettled({ state }) {
  return state !== "open" && state !== "notFound";
}

/** @param {number} ms */
export function formatDuration(ms) {
  const value = Math.max(0, ms);
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 10000) return `${(value / 1000).toFixed(2)} s`;
  if (value < 60000) return `${(value / 1000).toFixed(1)} s`;
  const seconds = Math.floor(value / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
}

/** @param {number} at milliseconds since 1970 */
export function formatTime(at) {
  const date = new Date(at);
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${time}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** @param {number} count */
export function formatCount(count) {
  return count.toLocaleString("en");
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
export function counted(count, one, many) {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/**
 * Makes an element. Text goes in as text: nothing that a message says can become an element.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {{ text?: string, className?: string } & Record<string, string>} [settings] attributes, too
 * @param {(Node | string)[]} [children]
 */
export function make(tag, settings = {}, children = []) {
  const { text, className, ...attributes } = settings;
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {Node[]} [children]
 */
export function draw(tag, attributes = {}, children = []) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** @param {string} name */
export function icon(name) {
  const use = draw("use", { href: `#i-${name}` });
  const attributes = { class: `icon is-${name}`, "aria-hidden": "true", focusable: "false" };
  return draw("svg", attributes, [use]);
}
