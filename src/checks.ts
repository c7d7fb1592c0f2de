import { InvalidArgumentError, printable } from "./errors.ts";

/**
 * Rejects what is no bound: anything but an integer from 0. `NaN`, above all, would disable it.
 *
 * @throws {InvalidArgumentError} naming the bound.
 */
export function checkLimit(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError(
    `Cannot use ${name} ${printable(String(value), 64)}: it is not an integer from 0`,
  );
}
