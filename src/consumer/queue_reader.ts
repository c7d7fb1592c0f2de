import { Backoff } from "../backoff.ts";
import { sleep } from "../clock.ts";
import { describe, InvalidStateError, ProtocolError } from "../errors.ts";
import {
  type MessageExt,
  MessageProperty,
  type MessageQueue,
  type StoredMessage,
} from "../message/mod.ts";
import type { PullMessageResponse } from "../requests/mod.ts";
import type { Reservation } from "./byte_budget.ts";
import type { OffsetMovedEvent } from "./events.ts";
import { decideFate, discard } from "./failed_message.ts";
import { type Decision, IncomingMessage } from "./incoming_message.ts";
import { openAll, sizeOf } from "./opened_messages.ts";
import { Positions } from "./positions.ts";
import type { CallBounds } from "./queue_calls.ts";
import { queueKey } from "./queue_key.ts";
import type { ReaderContext } from "./reader_context.ts";
import type { TopicSubscription } from "./subscriptions.ts";

/** Bounds of the pauses after failures, in milliseconds. */
const MIN_PAUSE = 200, MAX_PAUSE = 5_000;

/** Milliseconds until a broker is asked again that wants to go back without a reason. */
const STAY_PAUSE = 1_000;

/** An unsettled message. */
interface Held {
  /** The message that can be begun, or that has begun. Absent while it has to wait. */
  message: IncomingMessage | undefined;
  /** Ends the pause before it is handled again. */
  pause: AbortController | undefined;
  /** Gives back the bytes that are held for it, once. */
  readonly free: () => void;
}

/** Reads one queue while this member has it: pulls, hands out, settles and commits. */
export class QueueReader {
  readonly queue: MessageQueue;
  readonly #subscription: TopicSubscription;
  readonly #context: ReaderContext;
  readonly #reading = new AbortController();
  readonly #gone = new AbortController();
  readonly #held = new Map<bigint, Held>();
  /** Handed out, and not known to be settled. */
  readonly #begun = new Set<IncomingMessage>();
  /** Failed for good: their lanes stay busy until another member takes over. */
  readonly #stopped = new Set<IncomingMessage>();
  /** Acknowledged, and not covered by a confirmed commit. */
  readonly #acknowledged = new Set<IncomingMessage>();
  readonly #finished: Promise<void>;
  #positions: Positions | undefined;
  #committed: bigint | undefined;
  #committing: Promise<boolean> | undefined;
  #isBusy = true;
  #isSuspended = false;
  #maxOffset: bigint | undefined;
  /** The highest offset that was handed out. */
  #lastBegun = -1n;
  /** Handlers that run, also those that have settled their message. */
  #handlers = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  /** @param start Offset at which to begin, instead of that of the group. */
  constructor(
    queue: MessageQueue,
    subscription: TopicSubscription,
    context: ReaderContext,
    start?: bigint,
  ) {
    this.queue = queue;
    this.#subscription = subscription;
    this.#context = context;
    this.#finished = this.#read(start);
  }

  /** Aborts when this member may no longer work on the messages of the queue. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** Returns the name of the group. */
  get group(): string {
    return this.#context.settings.group;
  }

  /** Returns the offsets of the application, if it keeps them. */
  get offsets(): object | undefined {
    return this.#context.settings.offsets;
  }

  /** Returns the messages that were handed out and are not settled. */
  get begun(): ReadonlySet<IncomingMessage> {
    return this.#begun;
  }

  /** Counts the messages that this member read and did not settle. */
  get unsettled(): number {
    return this.#held.size;
  }

  /** Returns the offset of the first message that is not settled, if it is known. */
  get position(): bigint | undefined {
    return this.#positions?.committable;
  }

  /** Returns the offset behind the last message of the queue, as the broker said last. */
  get maxOffset(): bigint | undefined {
    return this.#maxOffset;
  }

  /** Begins no more pulls. */
  async stopReading(): Promise<void> {
    this.#reading.abort(new Error("the queue is not read any more"));
    await this.#finished;
  }

  /**
   * Takes back what was not begun. Returns the number of these messages.
   *
   * @param options `keepGaps` leaves what lies before a message that was begun. Without it, that one
   * would come again.
   */
  dropUnbegun({ keepGaps }: { keepGaps: boolean }): number {
    let dropped = 0;
    for (const [offset, held] of this.#held) {
      const { message, pause } = held;
      const isWaiting = pause !== undefined ||
        message !== undefined && !this.#begun.has(message) && !message.isDecided;
      if (!isWaiting || keepGaps && offset < this.#lastBegun) continue;
      this.#drop(offset, held);
      dropped++;
    }
    this.#checkIdle();
    return dropped;
  }

  /** Resolves when no message is held and no handler runs. Reading has to be stopped for this. */
  untilIdle(): Promise<void> {
    this.#idle ??= Promise.withResolvers<void>();
    const { promise } = this.#idle;
    this.#checkIdle();
    return promise;
  }

  /** Lets go of the queue without a commit: signals abort, and nothing that is called has an effect. */
  abandon(reason: string): void {
    this.#reading.abort(new Error(reason));
    this.#gone.abort(new Error(reason));
    for (const [offset, held] of this.#held) this.#drop(offset, held);
    for (const message of this.#acknowledged) message.end("released");
    for (const message of this.#stopped) this.#context.inbox.release(message);
    this.#stopped.clear();
    this.#begun.clear();
    this.#acknowledged.clear();
    this.#checkIdle();
  }

  /** Takes note that a message was handed out. */
  begin(message: IncomingMessage): void {
    this.#begun.add(message);
    if (message.offset > this.#lastBegun) this.#lastBegun = message.offset;
  }

  /** Takes note that a handler runs. Call what is returned when it has ended. */
  enter(): () => void {
    this.#handlers++;
    return () => {
      this.#handlers--;
      this.#checkIdle();
    };
  }

  /** Takes back a message that was handed out, without counting it as an attempt. */
  giveBack(message: IncomingMessage): void {
    if (message.isDecided || !this.#begun.delete(message)) return;
    message.end("released");
    this.#offer(message.source, message.attempt, true);
    this.#checkIdle();
  }

  /** Takes what was decided about a message. */
  take(message: IncomingMessage, decision: Decision): void {
    if (decision.kind === "ack") {
      this.#settle(message);
      this.#acknowledged.add(message);
      return;
    }
    this.#fail(message, decision);
  }

  /** `true` while the answer to a commit is awaited. */
  get isCommitting(): boolean {
    return this.#committing !== undefined;
  }

  /** `true` while it is not known whether this member still has the queue. Nothing is begun then. */
  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  /** Begins and commits nothing until {@linkcode QueueReader.resume}. */
  suspend(): void {
    this.#isSuspended = true;
  }

  /**
   * Goes on, and commits again: a broker that restarted may have forgotten the last commit. Returns
   * `false` if the group has come further than this member: then another one had the queue meanwhile.
   */
  async resume(): Promise<boolean> {
    const { calls, inbox, warnings, settings: { client: { clock } } } = this.#context;
    const { signal } = this.#gone;
    while (!signal.aborted) {
      try {
        const known = await calls.offset(this.queue, { signal });
        if (this.#positions && (known ?? 0n) > this.#positions.committable) return false;
        this.#isSuspended = false;
        if (this.#positions) this.#committed = undefined;
        inbox.wake();
        return true;
      } catch (error) {
        if (signal.aborted) break;
        warnings.warn("resume failed", `Cannot go on with a queue: ${describe(error)}`);
        await sleep(clock, MIN_PAUSE, signal).catch(() => {});
      }
    }
    return true;
  }

  /** Commits what can be committed. Resolves with `true` if the broker has confirmed all of it. */
  async commit(bounds: CallBounds = {}): Promise<boolean> {
    while (this.#committing) await this.#committing;
    if (!this.#hasProgress) return true;
    this.#committing = this.#commit(bounds);
    try {
      return await this.#committing;
    } finally {
      this.#committing = undefined;
    }
  }

  /** `true` if the broker has not confirmed everything that could be committed. */
  get #hasProgress(): boolean {
    return this.#positions !== undefined && this.#positions.committable !== this.#committed;
  }

  async #commit(bounds: CallBounds): Promise<boolean> {
    const { calls, warnings, events, isValid } = this.#context, { queue } = this;
    if (!isValid(queue) || this.#gone.signal.aborted) return false;
    const offset = this.#positions!.committable;
    try {
      await calls.commit(queue, offset, bounds);
    } catch (error) {
      warnings.warn("commit failed", `Cannot commit the offset of a queue: ${describe(error)}`);
      events.publish({ type: "commit-failed", queue, error });
      return false;
    }
    if (this.#gone.signal.aborted) return false;
    this.#committed = offset;
    if (events.hasSubscribers) events.publish({ type: "committed", queue, offset });
    for (const message of this.#acknowledged) {
      if (message.offset >= offset) continue;
      this.#acknowledged.delete(message);
      message.end("committed");
    }
    return !this.#hasProgress;
  }

  async #read(start: bigint | undefined): Promise<void> {
    const { settings: { client: { clock } }, warnings } = this.#context;
    const { signal } = this.#reading;
    let backoff: Backoff | undefined;
    while (!signal.aborted) {
      try {
        if (this.#positions) await this.#pull(this.#positions, signal);
        else await this.#findStart(start, signal);
        backoff = undefined;
      } catch (error) {
        if (signal.aborted) return;
        warnings.warn("pull failed", `Cannot read a queue: ${describe(error)}`, {
          ...this.queue,
        });
        backoff ??= new Backoff(clock, MIN_PAUSE, MAX_PAUSE);
        await sleep(clock, backoff.next(), signal).catch(() => {});
      }
    }
  }

  /**
   * Finds where to begin. A start that the broker does not know is committed before anything is read:
   * otherwise a member that starts from the last message, and ends before its first commit, would pass
   * over what comes until it is started again.
   */
  async #findStart(given: bigint | undefined, signal: AbortSignal): Promise<void> {
    const { calls, settings, isValid } = this.#context, { queue } = this;
    const isRetry = queue.topic === settings.retrySubscription.topic;
    const stored = await this.#findStored(signal);
    const known = given === undefined ? await calls.offset(queue, { signal }) : undefined;
    const start = stored ?? known ?? given ??
      await calls.startOffset(queue, isRetry ? "first" : settings.startFrom, { signal });
    signal.throwIfAborted();
    if (!isValid(queue)) return await sleep(settings.client.clock, MIN_PAUSE, signal);
    // Not ended early: a commit on its way could overtake the first one of the next owner.
    if (known !== start) await calls.commit(queue, start);
    this.#positions = new Positions(start);
    this.#committed = start;
  }

  /**
   * Reads where the database of the application says to begin. A broker whose queue ends before that has
   * lost messages, or the topic was made again. Then new messages get offsets that count as done.
   *
   * @throws {InvalidStateError} in this case.
   */
  async #findStored(signal: AbortSignal): Promise<bigint | undefined> {
    const { calls, settings: { offsets, group } } = this.#context, { queue } = this;
    const stored = await offsets?.read({ group, ...queue });
    if (stored === undefined) return undefined;
    const end = await calls.maxOffset(queue, { signal });
    if (stored <= end) return stored;
    const { topic, brokerName, queueId } = queue;
    throw new InvalidStateError(
      `Cannot read queue ${queueId} of topic "${topic}" at broker "${brokerName}": it ends at ${end}, ` +
        `and the stored offset is ${stored}, so new messages would count as done. If the topic was made ` +
        `again, or the broker has lost messages, set the stored offset to where the group is to go on`,
      { brokerName, topic },
    );
  }

  async #pull(positions: Positions, signal: AbortSignal): Promise<void> {
    const { budget, calls, settings: { client: { clock } } } = this.#context;
    const reservation = await budget.acquire(this.#isBusy, signal), begun = clock.monotonic();
    let answer: PullMessageResponse, messages: MessageExt[], unreadable: StoredMessage[];
    try {
      answer = await calls.pull(this.queue, this.#subscription, positions.readTo, signal);
      [messages, unreadable] = await openAll(answer.body);
      // An answer that nobody waits for any more must not move the position.
      signal.throwIfAborted();
    } catch (error) {
      reservation.releaseAll();
      throw error;
    }
    this.#maxOffset = answer.maxOffset;
    if (answer.status === "OFFSET_MOVED") {
      reservation.releaseAll();
      return await this.#takeMove(positions, answer, signal);
    }
    await this.#takeMessages(positions, answer, { messages, unreadable, reservation });
    const isHeld = clock.monotonic() - begun >= MIN_PAUSE;
    // A broker that does not hold pulls would be asked without a pause.
    if (answer.status === "NOT_FOUND" && !isHeld) await sleep(clock, MIN_PAUSE, signal);
  }

  async #takeMessages(
    positions: Positions,
    { status, nextBeginOffset, maxOffset }: PullMessageResponse,
    { messages, unreadable, reservation }: {
      messages: readonly MessageExt[];
      unreadable: readonly StoredMessage[];
      reservation: Reservation;
    },
  ): Promise<void> {
    const before = positions.readTo;
    const wanted = new Map<bigint, MessageExt | StoredMessage>();
    for (const message of unreadable) {
      const tags = message.properties[MessageProperty.Tags];
      if (this.#subscription.matches(tags)) wanted.set(message.queueOffset, message);
    }
    for (const message of messages) {
      if (this.#subscription.matches(message.tags)) wanted.set(message.queueOffset, message);
    }
    const offsets = [...wanted.keys()].sort((a, b) => a < b ? -1 : 1);
    const fresh = positions.take(offsets, nextBeginOffset);
    const sizes = fresh.map((offset) => sizeOf(wanted.get(offset)!));
    reservation.settle(sizes.reduce((sum, size) => sum + size, 0));
    fresh.forEach((offset, at) => {
      const size = sizes[at]!;
      this.#context.budget.learn(size);
      let isFree = false;
      const free = () => {
        if (!isFree) reservation.release(size);
        isFree = true;
      };
      this.#held.set(offset, { message: undefined, pause: undefined, free });
    });
    this.#isBusy = nextBeginOffset < maxOffset;
    for (const offset of fresh) {
      const message = wanted.get(offset)!;
      if ("messageId" in message) this.#offer(message, message.reconsumeTimes + 1);
      // A stored offset must not pass it before it is a dead letter.
      else if (this.offsets) await this.#discard(message);
      else this.#discard(message);
    }
    if (positions.readTo === before && status !== "NOT_FOUND") {
      throw new ProtocolError("Cannot go on in a queue: the broker found messages before its end", {
        ...this.queue,
      });
    }
  }

  /** Goes on behind messages that the broker has deleted; goes back only if that is certainly right. */
  async #takeMove(
    positions: Positions,
    { nextBeginOffset: next, isReset }: PullMessageResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const { calls, settings: { client: { clock } }, onMoved } = this.#context;
    const from = positions.readTo;
    if (!isReset && next > from) {
      this.#reportMove("deleted", from, next);
      positions.take([], next);
      return;
    }
    if (!isReset && (next === from || await calls.maxOffset(this.queue, { signal }) >= from)) {
      const { topic, brokerName, queueId } = this.queue;
      this.#context.warnings.warn(
        "offset moved",
        `Stays at ${from} in queue ${queueId} of topic "${topic}" at broker "${brokerName}": ` +
          `the broker said ${next}, but it has messages there`,
      );
      await sleep(clock, STAY_PAUSE, signal);
      return;
    }
    this.#reportMove(isReset ? "reset" : "shorter", from, next);
    onMoved(this.queue, next);
  }

  #reportMove(why: OffsetMovedEvent["why"], from: bigint, to: bigint): void {
    const { warnings, events } = this.#context, { queue } = this;
    const reasons = {
      deleted: "the broker deleted what was between",
      reset: "an operator reset it",
      shorter: "the queue has become shorter",
    };
    warnings.warn(
      "offset moved",
      `Goes on at ${to} instead of ${from} in queue ${queue.queueId} of topic "${queue.topic}" at ` +
        `broker "${queue.brokerName}": ${reasons[why]}`,
    );
    events.publish({ type: "offset-moved", queue, from, to, why });
  }

  /** Makes a message that can be begun, before others of its lane if it comes again. */
  #offer(source: MessageExt, attempt: number, isAgain = false): void {
    const held = this.#held.get(source.queueOffset), { signal } = this.#reading;
    if (!held || this.#gone.signal.aborted) return;
    const { settings: { client: { namespace } }, inbox } = this.#context;
    const topic = source.properties[MessageProperty.RetryTopic] ?? source.topic;
    const message = new IncomingMessage(source, namespace?.unwrap(topic) ?? topic, attempt, this);
    message.lane = this.#laneOf(message);
    held.message = message;
    inbox.add(message, isAgain);
    if (!signal.aborted || isAgain && source.queueOffset < this.#lastBegun) return;
    this.#drop(source.queueOffset, held);
  }

  /** Returns the lane of a message. If its key can't be had, it is in order with its whole queue. */
  #laneOf(message: IncomingMessage): string | undefined {
    const { settings: { laneOf }, warnings } = this.#context;
    try {
      return laneOf?.(message);
    } catch (error) {
      warnings.warn("order failed", `The function of option order failed: ${describe(error)}`);
      return queueKey(this.queue);
    }
  }

  /** Forgets an unsettled message. The position stays before it. */
  #drop(offset: bigint, held: Held): void {
    const { message, pause, free } = held;
    free();
    pause?.abort();
    this.#held.delete(offset);
    if (!message) return;
    this.#context.inbox.remove(message);
    message.end("released");
  }

  #settle(message: IncomingMessage): void {
    const held = this.#held.get(message.offset);
    this.#begun.delete(message);
    held?.free();
    this.#held.delete(message.offset);
    this.#positions?.settle(message.offset);
    this.#context.inbox.release(message);
    this.#checkIdle();
  }

  /** Has a message delivered again. The position moves only after the broker confirmed the copy. */
  async #fail(
    message: IncomingMessage,
    decision: Exclude<Decision, { kind: "ack" }>,
  ): Promise<void> {
    const fate = await decideFate(message, decision, this.#context);
    const isGone = fate.kind === "copied" || fate.kind === "dead-lettered";
    if (isGone) await this.#passOver(message.offset);
    if (!this.#begun.has(message)) return;
    if (fate.kind === "stopped") return this.#stop(message);
    if (fate.kind !== "again") {
      this.#settle(message);
      message.end(fate.kind);
      return;
    }
    const held = this.#held.get(message.offset)!, { clock } = this.#context.settings.client;
    this.#begun.delete(message);
    message.end("released");
    held.pause = new AbortController();
    const { signal } = held.pause;
    const isLast = message.offset >= this.#lastBegun;
    if (this.#reading.signal.aborted && isLast) this.#drop(message.offset, held);
    else await sleep(clock, fate.pause, signal).catch(() => {});
    if (!signal.aborted) {
      held.pause = undefined;
      this.#offer(message.source, message.attempt + 1, true);
    }
    this.#checkIdle();
  }

  /** Leaves a message unsettled and its lane busy, so that nothing behind it is handled here. */
  #stop(message: IncomingMessage): void {
    this.#begun.delete(message);
    this.#held.get(message.offset)?.free();
    this.#held.delete(message.offset);
    this.#stopped.add(message);
    message.end("released");
    this.#checkIdle();
  }

  /** Makes a dead letter of a message whose body can't be read: no handler could get it. */
  async #discard(stored: StoredMessage): Promise<void> {
    const { settings: { client: { clock } }, warnings } = this.#context;
    const { signal } = this.#reading, { queueOffset } = stored;
    while (!signal.aborted) {
      try {
        await discard(stored, this.queue, this.#context);
      } catch (error) {
        warnings.warn(
          "not sent back",
          `Cannot read message ${queueOffset} of topic "${stored.topic}", nor make a dead letter ` +
            `of it: ${describe(error)}`,
        );
        await sleep(clock, MAX_PAUSE, signal).catch(() => {});
        continue;
      }
      await this.#passOver(queueOffset);
      this.#positions?.settle(queueOffset);
      break;
    }
    this.#held.get(queueOffset)?.free();
    this.#held.delete(queueOffset);
    this.#checkIdle();
  }

  /** Has the stored offset pass a message that the broker keeps elsewhere now, until that is done. */
  async #passOver(offset: bigint): Promise<void> {
    const { settings: { offsets, group, client: { clock } }, warnings } = this.#context;
    const { signal } = this.#gone;
    while (offsets && !signal.aborted) {
      try {
        return await offsets.passOver({ group, ...this.queue }, offset + 1n);
      } catch (error) {
        warnings.warn(
          "offset not stored",
          `Cannot store that the group has passed a dead letter: ${describe(error)}`,
          { ...this.queue },
        );
        await sleep(clock, MIN_PAUSE, signal).catch(() => {});
      }
    }
  }

  #checkIdle(): void {
    if (!this.#idle || this.#held.size + this.#handlers > 0) return;
    this.#idle.resolve();
    this.#idle = undefined;
  }
}
