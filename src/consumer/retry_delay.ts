import { InvalidArgumentError, printable } from "../errors.ts";

const SECOND = 1_000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE;

/** The delays of a broker's levels, from level 1 on, unless its `messageDelayLevel` says otherwise. */
const LEVELS: readonly number[] = [
  ...[1, 5, 10, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2].map((hours) => hours * HOUR),
];

/** The longest delay of a retry, in milliseconds. */
export const MAX_RETRY_DELAY: number = LEVELS.at(-1)!;

/** Returns the level with the shortest delay that is not below `delay` milliseconds. */
export function delayLevelOf(delay: number): number {
  const index = LEVELS.findIndex((level) => level >= delay);
  return index < 0 ? LEVELS.length : index + 1;
}

/** Checks the delay of a retry in milliseconds. @throws {InvalidArgumentError} */
export function checkRetryDelay(name: string, delay: number): number {
  if (typeof delay === "number" && delay >= 0 && delay <= MAX_RETRY_DELAY) return delay;
  throw new InvalidArgumentError(
    `Cannot use ${name} ${
      printable(String(delay), 64)
    }: it must be 0 to ${MAX_RETRY_DELAY} ms, the longest delay of a broker`,
  );
}
