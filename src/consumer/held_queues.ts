import type { MessageQueue } from "../message/mod.ts";
import { endWork } from "./hand_over.ts";
import type { CallBounds } from "./queue_calls.ts";
import { queueKey } from "./queue_key.ts";
import { QueueLeases } from "./queue_leases.ts";
import { QueueReader } from "./queue_reader.ts";
import type { ReaderContext } from "./reader_context.ts";

/** What the table of queues needs. */
interface HeldQueuesOptions {
  /** What readers share, but for what this table decides. */
  readonly context: Omit<ReaderContext, "isValid" | "onMoved">;
  /** Frees locks that dead members left. Returns `true` if there may have been any. */
  freeDead(brokerName: string, queues: readonly MessageQueue[]): Promise<boolean>;
  /** Reports whether anybody takes messages now. */
  isConsuming(): boolean;
}

/**
 * The queues that this member works on or is to work on. A queue is locked first and read then. One that
 * is to be read no more is handed over: finished, committed, unlocked, in this order.
 */
export class HeldQueues {
  readonly #options: HeldQueuesOptions;
  readonly #context: ReaderContext;
  readonly #leases: QueueLeases;
  readonly #readers = new Map<string, QueueReader>();
  /** Queues whose work ends now, and what they are waited for by. */
  readonly #ending = new Map<string, Promise<void>>();
  #wanted: ReadonlyMap<string, MessageQueue> = new Map();
  #isClosing = false;

  constructor(options: HeldQueuesOptions) {
    this.#options = options;
    const { context: { settings, calls }, freeDead } = options;
    const { clock, logger } = settings.client;
    this.#leases = new QueueLeases({
      ...{ clock, logger, freeDead },
      lock: (brokerName, queues, bounds) => calls.lock(brokerName, queues, bounds),
      unlock: (brokerName, queues, bounds) => calls.unlock(brokerName, queues, bounds),
      onGained: (queue) => this.#begin(queue),
      onDoubted: (queue) => this.#readers.get(queueKey(queue))?.suspend(),
      onConfirmed: (queue) => void this.#resume(queue),
      onLost: (queue, reason) => this.#lose(queue, reason),
    });
    this.#context = {
      ...options.context,
      isValid: (queue) => this.isValid(queue),
      onMoved: (queue, offset) => void this.#restart(queue, offset),
    };
  }

  /** Reports whether this member may begin messages of a queue now. */
  isValid(queue: MessageQueue): boolean {
    return this.#leases.isValid(queue) && this.#readers.get(queueKey(queue))?.isSuspended === false;
  }

  /** Returns the readers of all queues that this member has. */
  readers(): QueueReader[] {
    return [...this.#readers.values()];
  }

  /** Takes which queues this member is to read. The others are handed over. */
  assign(queues: readonly MessageQueue[]): void {
    this.#wanted = new Map(queues.map((queue) => [queueKey(queue), queue]));
    this.#reconcile();
  }

  /** Lets the locks of a broker count only after it confirmed them again. */
  doubt(brokerName: string): void {
    this.#leases.doubt(brokerName);
  }

  /** Goes on at other offsets in queues of this member, as an operator wants it. */
  async reset(offsets: readonly { queue: MessageQueue; offset: bigint }[]): Promise<void> {
    await Promise.all(offsets.map(({ queue, offset }) => this.#restart(queue, offset)));
  }

  /** Begins to commit what can be committed, but for queues whose last commit is under way. */
  commit(): void {
    for (const reader of this.#readers.values()) if (!reader.isCommitting) reader.commit();
  }

  /** Begins no more work. What has begun goes on. */
  stop(): void {
    this.#isClosing = true;
    for (const reader of this.#readers.values()) reader.stopReading();
  }

  /** Lets go of all queues, and unlocks them by requests that `insist` repeats. Returns those that no broker confirmed to be free. */
  async close(
    insist: (unlock: (bounds: CallBounds) => Promise<void>) => Promise<boolean>,
  ): Promise<MessageQueue[]> {
    this.#isClosing = true;
    for (const reader of this.#readers.values()) reader.abandon("the consumer closes");
    this.#readers.clear();
    return await this.#leases.close(insist);
  }

  #reconcile(): void {
    if (this.#isClosing) return;
    for (const queue of this.#leases.queues()) {
      const key = queueKey(queue);
      if (this.#wanted.has(key) || this.#ending.has(key)) continue;
      this.#end(key, this.#handOver(queue));
    }
    for (const queue of this.#wanted.values()) this.#leases.want(queue);
  }

  /** Notes that the work on a queue ends. What is wanted by then is looked at afterwards. */
  #end(key: string, work: Promise<void>): void {
    const ending = work.finally(() => {
      this.#ending.delete(key);
      this.#reconcile();
    });
    this.#ending.set(key, ending);
  }

  async #handOver(queue: MessageQueue): Promise<void> {
    const { settings: { handOverTimeout: timeout, client: { clock, logger } }, events } =
      this.#context;
    const key = queueKey(queue), reader = this.#readers.get(key);
    if (reader) {
      const { isConsuming } = this.#options;
      const { unfinished, isCommitted } = await endWork(reader, { clock, timeout, isConsuming });
      if (this.#readers.get(key) !== reader) return;
      this.#readers.delete(key);
      const { topic, brokerName, queueId } = queue;
      const what = `queue ${queueId} of topic "${topic}" at "${brokerName}"`;
      if (unfinished === 0 && isCommitted) logger.info(`Handed over ${what}`);
      else {
        logger.warn(
          unfinished > 0
            ? `Gave up ${what} after ${timeout} ms: ${unfinished} of its messages were being handled and come again`
            : `Gave up ${what} without a confirmed commit: messages that were acknowledged come again`,
        );
      }
      events.publish({ type: "released", queue, how: "handed-over", unfinished, isCommitted });
    }
    await this.#leases.release(queue);
  }

  #begin(queue: MessageQueue, start?: bigint): void {
    const { settings: { subscriptions, retrySubscription }, events } = this.#context;
    const subscription = [...subscriptions, retrySubscription]
      .find(({ topic }) => topic === queue.topic);
    if (!subscription || this.#isClosing) return;
    this.#readers.set(queueKey(queue), new QueueReader(queue, subscription, this.#context, start));
    if (start === undefined) events.publish({ type: "assigned", queue });
  }

  /** Goes on with a queue whose lock was in doubt, from elsewhere if another member had it meanwhile. */
  async #resume(queue: MessageQueue): Promise<void> {
    const key = queueKey(queue), reader = this.#readers.get(key);
    if (!reader || await reader.resume() || this.#readers.get(key) !== reader) return;
    this.#lose(queue, "another member of the group has worked on it");
    if (!this.#ending.has(key)) this.#begin(queue);
  }

  #lose(queue: MessageQueue, reason: string): void {
    const { settings: { client: { logger } }, events } = this.#context;
    const { topic, brokerName, queueId } = queue;
    logger.warn(`Lost queue ${queueId} of topic "${topic}" at "${brokerName}": ${reason}`);
    const reader = this.#readers.get(queueKey(queue));
    const unfinished = reader?.begun.size ?? 0;
    reader?.abandon(reason);
    this.#readers.delete(queueKey(queue));
    events.publish({ type: "released", queue, how: "lost", unfinished, isCommitted: false });
  }

  /** Reads a queue from another offset on, when what has begun is done. */
  async #restart(queue: MessageQueue, offset: bigint): Promise<void> {
    const { settings: { handOverTimeout: timeout, client: { clock } } } = this.#context;
    const key = queueKey(queue), reader = this.#readers.get(key);
    if (!reader || this.#ending.has(key)) return;
    const isConsuming = () => false;
    this.#end(
      key,
      (async () => {
        await endWork(reader, { clock, timeout, isConsuming });
        if (this.#readers.get(key) !== reader) return;
        this.#readers.delete(key);
        this.#begin(queue, offset);
      })(),
    );
    await this.#ending.get(key);
  }
}
