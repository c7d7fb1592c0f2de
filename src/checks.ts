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
        `current value is ${printable(String(value), 64)}`,
    );
  }
  return value;
}

/** Checks a switch that is off by default. */
export function checkFlag(name: string, value: boolean | undefined): boolean {
  if (value === undefined || typeof value === "boolean") return value ?? false;
  throw new InvalidArgumentError(
    `Cannot use option ${name}: it must be true or false, current value is ${
      printable(String(value), 64)
    }`,
  );
}

/** Checks an object of the application. @throws {InvalidArgumentError} naming the missing method. */
export function checkMethods<T>(what: string, value: T, methods: readonly (keyof T & string)[]): T {
  const missing = methods.find((name) => typeof value?.[name] !== "function");
  if (missing === undefined) return value;
  throw new InvalidArgumentError(`Cannot use ${what}: it has no method ${missing}`);
}
