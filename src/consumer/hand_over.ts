import { type Clock, Deadline, sleep } from "../clock.ts";
import type { QueueReader } from "./queue_reader.ts";

/** Milliseconds between two attempts at the last commit. */
const COMMIT_RETRY = 200;

/** Milliseconds for handlers to end after their signal aborted. */
const ABORT_TIME = 1_000;

/** How the work on a queue ended. */
export interface Ending {
  /** Messages whose handling had begun and did not end in time. They come again. */
  readonly unfinished: number;
  /** `true` if the broker confirmed the offset behind everything that was done. */
  readonly isCommitted: boolean;
}

/**
 * Ends the work on a queue so that its next owner goes on exactly behind it: begins nothing more, waits
 * for what has begun, and commits. Unlocking is left to the caller.
 *
 * @param timeout Milliseconds to wait for handlers. After that their signals abort.
 * @param isConsuming Reports whether anybody takes messages that have to be handled first.
 */
export async function endWork(
  reader: QueueReader,
  { clock, timeout, isConsuming }: { clock: Clock; timeout: number; isConsuming(): boolean },
): Promise<Ending> {
  const stopped = reader.stopReading();
  reader.dropUnbegun({ keepGaps: isConsuming() });
  await stopped;
  await timed(clock, reader.untilIdle(), timeout);
  reader.dropUnbegun({ keepGaps: false });
  const unfinished = reader.begun.size;
  const commitDeadline = new Deadline(clock, timeout);
  let isCommitted = await reader.commit();
  while (!isCommitted && !reader.signal.aborted && !commitDeadline.passed) {
    await sleep(clock, COMMIT_RETRY, reader.signal).catch(() => {});
    isCommitted = await reader.commit();
  }
  reader.abandon(unfinished > 0 ? "its hand-over took too long" : "another member takes it over");
  if (unfinished > 0) await timed(clock, reader.untilIdle(), ABORT_TIME);
  return { unfinished, isCommitted };
}

async function timed(clock: Clock, promise: Promise<void>, timeout: number): Promise<void> {
  const over = new AbortController();
  await Promise.race([promise, sleep(clock, timeout, over.signal).catch(() => {})]);
  over.abort();
}
