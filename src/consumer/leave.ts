import type { ClientInstance } from "../client/mod.ts";
import { type Clock, Deadline, sleep, within } from "../clock.ts";
import type { MessageQueue } from "../message/mod.ts";
import type { ByteBudget } from "./byte_budget.ts";
import type { CloseOptions, CloseReport } from "./close_report.ts";
import type { Delivery } from "./delivery.ts";
import type { Group } from "./group.ts";
import type { HeldQueues } from "./held_queues.ts";
import type { Inbox } from "./inbox.ts";
import type { BrokerCalls, CallBounds } from "./queue_calls.ts";
import type { QueueReader } from "./queue_reader.ts";

/** Most milliseconds that a close keeps for commits, unlocking and leaving; of a short one two fifths. */
const TIME_TO_LEAVE = 3_000;

/** Milliseconds between two attempts at the last commit. */
const COMMIT_RETRY = 200;

/** Attempts to unlock and to leave at a broker, and milliseconds between them. */
const ATTEMPTS = 3, ATTEMPT_PAUSE = 100;

/** The parts of a consumer that runs. */
export interface Running {
  readonly client: ClientInstance;
  readonly calls: BrokerCalls;
  readonly group: Group;
  readonly queues: HeldQueues;
  readonly inbox: Inbox;
  readonly delivery: Delivery;
  readonly budget: ByteBudget;
  /** Ends the regular commits, and with them the wait of handlers for these. */
  readonly drainEnded: AbortController;
}

/** How a consumer leaves. */
interface LeaveOptions {
  readonly clock: Clock;
  /** Milliseconds for one request. */
  readonly requestTimeout: number;
  /** Name of the group, as servers know it. */
  readonly groupName: string;
  readonly drain: NonNullable<CloseOptions["drain"]>;
  readonly deadline: Deadline;
  /** Ends the wait for handlers. */
  readonly signal: AbortSignal | undefined;
}

/** Reads no more, waits for handlers, commits, unlocks, and leaves the group, in this order. */
export async function leave(
  { client, calls, group, queues, inbox, delivery, drainEnded }: Running,
  { clock, requestTimeout, groupName, drain, deadline, signal }: LeaveOptions,
): Promise<CloseReport> {
  const limit = deadline.timeout;
  const work = new Deadline(clock, limit - Math.min(TIME_TO_LEAVE, limit * 2 / 5));
  let unbegun = 0;
  const dropUnbegun = (keepGaps: boolean) => {
    for (const reader of queues.readers()) unbegun += reader.dropUnbegun({ keepGaps });
  };
  queues.stop();
  if (drain !== "buffered") dropUnbegun(drain === "running" && delivery.isConsuming);
  if (drain !== "none") {
    const idle = queues.readers().map((reader) => reader.untilIdle());
    const drained = Promise.all([...idle, delivery.untilIdle()]);
    const options = { timeout: work.remaining, signal };
    await within(clock, drained, options, () => new Error("time is up")).catch(() => {});
  }
  inbox.end();
  drainEnded.abort();
  dropUnbegun(false);
  const readers = queues.readers();
  const unfinished = readers.reduce((sum, reader) => sum + reader.begun.size, 0);
  const uncommitted = await commitAll(clock, readers, deadline);
  await group.close();
  const insist = (ask: (bounds: CallBounds) => Promise<void>) =>
    repeat(ask, { clock, deadline, requestTimeout });
  const locked = await queues.close(insist);
  client.removeConsumer(groupName);
  const notLeft: string[] = [];
  await Promise.all(
    client.registeredBrokers().map(async (brokerName) => {
      const hasLeft = await insist((bounds) => calls.leave(brokerName, bounds));
      if (!hasLeft) notLeft.push(brokerName);
    }),
  );
  await client.close(0);
  const isClean = unfinished + uncommitted.length + locked.length + notLeft.length === 0;
  return { isClean, unbegun, unfinished, uncommitted, locked, notLeft };
}

/** Repeats a request whose answer was lost or a refusal. Returns `false` if none was a confirmation. */
async function repeat(
  ask: (bounds: CallBounds) => Promise<void>,
  { clock, deadline, requestTimeout }: {
    clock: Clock;
    deadline: Deadline;
    requestTimeout: number;
  },
): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    // A part of the time is for what comes after it.
    const timeout = Math.max(1, Math.min(requestTimeout, deadline.remaining / ATTEMPTS));
    try {
      await ask({ timeout });
      return true;
    } catch {
      if (attempt < ATTEMPTS) await sleep(clock, Math.min(ATTEMPT_PAUSE, deadline.remaining));
    }
  }
  return false;
}

/** Commits all queues, and returns those that no broker confirmed in time. */
async function commitAll(
  clock: Clock,
  readers: readonly QueueReader[],
  deadline: Deadline,
): Promise<MessageQueue[]> {
  const results = await Promise.all(readers.map(async (reader) => {
    for (;;) {
      // A part of the time is for unlocking and leaving.
      const timeout = Math.max(1, deadline.remaining / 2);
      if (await reader.commit({ timeout }) || reader.signal.aborted) return true;
      if (deadline.remaining < COMMIT_RETRY * 2) return false;
      await sleep(clock, COMMIT_RETRY);
    }
  }));
  return readers.filter((_, at) => !results[at]).map(({ queue }) => queue);
}
