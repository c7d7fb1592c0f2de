import { InvalidArgumentError, printable } from "./errors.ts";

/**
 * Rejects anything but an integer from 0. `NaN`, above all, would disable a bound.
 *
 * @throws {InvalidArgumentError} naming the bound.
 */
export function checkLimit(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError(
    `Cannot use ${name} ${printable(String(value), 64)}: it is not an integer from 0`,
  );
}

/** Checks a time in milliseconds: 1 to 2147483647, because a longer timer would fire immediately. */
export function checkTime(name: string, value: number | undefined, fallback: number): number {
  return checkCount(name, value, { fallback, min: 1, max: 2 ** 31 - 1, unit: " ms" });
}

/** The bounds of a count, and what stands for one that is not given. */
interface CountBounds {
  /** Stands for an absent value. Without it the value has to be there. */
  fallback?: number;
  min: number;
  max: number;
  /** Follows the bounds in the message, for example ` ms`. */
  unit?: string;
}

/** Checks a whole number within bounds. @throws {InvalidArgumentError} naming the option. */
export function checkCount(
  name: string,
  value: number | undefined,
  { fallback, min, max, unit = "" }: CountBounds,
): number {
  if (value === undefined && fallback !== undefined) return fallback;
  if (value === undefined || !Number.isInteger(value) || value < min || value > max) {
    throw new InvalidArgumentError(
      `Cannot use option ${name}: it must be a whole number from ${min} to ${max}${unit}, ` +
        `current value is ${shown(value)}`,
    );
  }
  return value;
}

/** Checks a switch that is off by default. */
export function checkFlag(name: string, value: boolean | undefined): boolean {
  if (value === undefined || typeof value === "boolean") return value ?? false;
  throw new InvalidArgumentError(
    `Cannot use option ${name}: it must be true or false, current value is ${shown(value)}`,
  );
}

/** Checks an object of the application. @throws {InvalidArgumentError} naming the missing method. */
export function checkMethods<T>(what: string, value: T, methods: readonly (keyof T & string)[]): T {
  const missing = methods.find((name) => typeof value?.[name] !== "function");
  if (missing === undefined) return value;
  throw new InvalidArgumentError(`Cannot use ${what}: it has no method ${missing}`);
}

/** Shows a value for a message: a text with its quotes. */
export function shown(value: unknown): string {
  if (typeof value === "string") return `"${printable(value, 64)}"`;
  try {
    return printable(String(value), 64);
  } catch {
    return "an object";
  }
}

/** Names the properties of a type, all of them: the compiler refuses a list that lacks one. */
export function namesOf<T>(names: Record<keyof T & string, true>): ReadonlySet<string> {
  return new Set(Object.keys(names));
}

/** Names by which other clients know an option. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ["brokers", "nameServers"],
  ["namesrvaddr", "nameServers"],
  ["namesrv", "nameServers"],
  ["nameserveraddress", "nameServers"],
  ["group", "producerGroup"],
  ["consumergroup", "group"],
  ["topics", "subscriptions"],
  ["groupname", "producerGroup"],
  ["groupid", "producerGroup"],
  ["sendmsgtimeout", "sendTimeout"],
  ["retrytimeswhensendfailed", "retries"],
  ["maxretries", "retries"],
  ["log", "logger"],
  ["ssl", "tls"],
  ["key", "keys"],
  ["tag", "tags"],
  ["value", "body"],
  ["payload", "body"],
]);

/** Returns the one of `known` that `name` was probably to be. */
export function suggest(name: string, known: ReadonlySet<string>): string | undefined {
  const given = name.toLowerCase(), other = OTHER_NAMES.get(given);
  if (other !== undefined && known.has(other)) return other;
  let best: string | undefined, least = Math.min(4, Math.ceil(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = distanceOf(given, candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best ?? [...known].find((candidate) => candidate.toLowerCase().startsWith(given));
}

/** Counts the letters to be put in, left out, replaced, or swapped to make one text of another. */
function distanceOf(a: string, b: string): number {
  let before: number[] = [], last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const next = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      let least = Math.min(last[column]! + 1, next[column - 1]! + 1, last[column - 1]! + +!isSame);
      if (a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        least = Math.min(least, before[column - 2]! + 1);
      }
      next.push(least);
    }
    [before, last] = [last, next];
  }
  return last[b.length]!;
}

/**
 * Refuses options that do not exist: they were misspelt, and would be ignored.
 *
 * @param kind What they are called in the message.
 * @throws {InvalidArgumentError} naming the option, never its value.
 */
export function checkNames(
  options: object,
  known: ReadonlySet<string>,
  kind = "option",
): void {
  for (const name in options) {
    if (known.has(name)) continue;
    throw new InvalidArgumentError(
      `Cannot use ${kind} ${printable(name, 64)}: there is no such option${
        didYouMean(name, known)
      }`,
    );
  }
}

/** Ends a message about a name that nothing has. */
export function didYouMean(name: string, known: ReadonlySet<string>): string {
  const meant = suggest(name, known);
  return meant === undefined ? "" : `, did you mean ${meant}?`;
}
