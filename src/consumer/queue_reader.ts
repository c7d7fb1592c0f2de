import { Backoff } from "../backoff.ts";
import { sleep } from "../clock.ts";
import { describe, MessageDecodeError, ProtocolError } from "../errors.ts";
import type { ThrottledLogger } from "../logger.ts";
import {
  decodeStoredMessages,
  type MessageExt,
  MessageProperty,
  type MessageQueue,
  openStoredMessage,
  type StoredMessage,
} from "../message/mod.ts";
import { DEAD_LETTER_LEVEL, type PullMessageResponse } from "../requests/mod.ts";
import type { ByteBudget, Reservation } from "./byte_budget.ts";
import type { Inbox } from "./inbox.ts";
import { type Decision, IncomingMessage } from "./incoming_message.ts";
import type { ConsumerSettings } from "./options.ts";
import { Positions } from "./positions.ts";
import type { BrokerCalls, CallBounds } from "./queue_calls.ts";
import { delayLevelOf } from "./retry_delay.ts";
import type { TopicSubscription } from "./subscriptions.ts";

/** Bounds of the pauses after failures, in milliseconds. */
const MIN_PAUSE = 200, MAX_PAUSE = 5_000;

/** Milliseconds until a message is handled again here whose retry the broker did not confirm. */
const RETRY_PAUSE = 1_000;

/** Bytes that a message takes beside its body and properties. */
const MESSAGE_OVERHEAD = 512;

/** What readers share. */
export interface ReaderContext {
  readonly settings: ConsumerSettings;
  readonly calls: BrokerCalls;
  readonly budget: ByteBudget;
  readonly inbox: Inbox;
  readonly warnings: ThrottledLogger;
  /** Reports whether this member has the queue. */
  isValid(queue: MessageQueue): boolean;
  /** Called when a message is no longer begun. */
  onIdle(): void;
  /** Called when reading has to begin again at another offset. */
  onMoved(reader: QueueReader, offset: bigint): void;
}

/** An unsettled message, and the bytes that are held for it. */
interface Held {
  message: IncomingMessage | undefined;
  /** Gives back the bytes, once. */
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
  /** Acknowledged, and not covered by a confirmed commit. */
  readonly #acknowledged = new Set<IncomingMessage>();
  readonly #finished: Promise<void>;
  #positions: Positions | undefined;
  #committed: bigint | undefined;
  #committing: Promise<boolean> | undefined;
  #isBusy = true;

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

  /** Returns the messages that were handed out and are not settled. */
  get begun(): ReadonlySet<IncomingMessage> {
    return this.#begun;
  }

  /** Counts the messages that this member read and did not settle. */
  get unsettled(): number {
    return this.#held.size;
  }

  /** `true` if the broker has not confirmed everything that could be committed. */
  get hasProgress(): boolean {
    return this.#positions !== undefined && this.#positions.committable !== this.#committed;
  }

  /** Begins no more pulls. */
  async stopReading(): Promise<void> {
    this.#reading.abort(new Error("the queue is not read any more"));
    await this.#finished;
  }

  /** Takes back what was not begun. Returns the number of these messages. */
  dropUnbegun(): number {
    let dropped = 0;
    for (const held of this.#held.values()) {
      const { message } = held;
      if (message === undefined || this.#begun.has(message) || message.isDecided) continue;
      this.#context.inbox.remove(message);
      message.end("released");
      held.message = undefined;
      held.free();
      dropped++;
    }
    return dropped;
  }

  /** Lets go of the queue without a commit: signals abort, and nothing that is called has an effect. */
  abandon(reason: string): void {
    this.#reading.abort(new Error(reason));
    this.#gone.abort(new Error(reason));
    for (const { message, free } of this.#held.values()) {
      free();
      if (!message) continue;
      this.#context.inbox.remove(message);
      message.end("released");
    }
    for (const message of this.#acknowledged) message.end("released");
    this.#held.clear();
    this.#begun.clear();
    this.#acknowledged.clear();
    this.#context.onIdle();
  }

  /** Takes note that a message was handed out. */
  begin(message: IncomingMessage): void {
    this.#begun.add(message);
  }

  /** Takes back a message that was handed out, without counting it as an attempt. */
  giveBack(message: IncomingMessage): void {
    if (message.isDecided || !this.#begun.delete(message)) return;
    message.end("released");
    this.#offer(message.source, message.attempt);
    this.#context.onIdle();
  }

  /** Takes what was decided about a message. */
  take(message: IncomingMessage, decision: Decision): void {
    if (decision.kind === "ack") {
      this.#settle(message);
      this.#acknowledged.add(message);
      return;
    }
    this.#sendBack(message, decision);
  }

  /** Has the next commit happen also without progress, because the broker may have forgotten the last. */
  commitAgain(): void {
    if (this.#positions) this.#committed = undefined;
  }

  /** Commits what can be committed. Resolves with `true` if the broker has confirmed all of it. */
  async commit(bounds: CallBounds = {}): Promise<boolean> {
    while (this.#committing) await this.#committing;
    if (!this.hasProgress) return true;
    this.#committing = this.#commit(bounds);
    try {
      return await this.#committing;
    } finally {
      this.#committing = undefined;
    }
  }

  async #commit(bounds: CallBounds): Promise<boolean> {
    const { calls, warnings, isValid } = this.#context, { queue } = this;
    if (!isValid(queue) || this.#gone.signal.aborted) return false;
    const offset = this.#positions!.committable;
    try {
      await calls.commit(queue, offset, bounds);
    } catch (error) {
      warnings.warn("commit failed", `Cannot commit the offset of a queue: ${describe(error)}`);
      return false;
    }
    if (this.#gone.signal.aborted) return false;
    this.#committed = offset;
    for (const message of this.#acknowledged) {
      if (message.offset >= offset) continue;
      this.#acknowledged.delete(message);
      message.end("committed");
    }
    return !this.hasProgress;
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
    const { calls, settings } = this.#context, { queue } = this;
    const isRetry = queue.topic === settings.retrySubscription.topic;
    const known = given === undefined ? await calls.offset(queue, { signal }) : undefined;
    const start = known ?? given ??
      await calls.startOffset(queue, isRetry ? "first" : settings.startFrom, { signal });
    if (known === undefined) await calls.commit(queue, start, { signal });
    signal.throwIfAborted();
    this.#positions = new Positions(start);
    this.#committed = start;
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
    if (answer.status === "OFFSET_MOVED") {
      reservation.releaseAll();
      return await this.#takeMove(positions, answer, signal);
    }
    this.#takeMessages(positions, answer, { messages, unreadable, reservation });
    const isHeld = clock.monotonic() - begun >= MIN_PAUSE;
    // A broker that does not hold pulls would be asked without a pause.
    if (answer.status === "NOT_FOUND" && !isHeld) await sleep(clock, MIN_PAUSE, signal);
  }

  #takeMessages(
    positions: Positions,
    { status, nextBeginOffset, maxOffset }: PullMessageResponse,
    { messages, unreadable, reservation }: {
      messages: readonly MessageExt[];
      unreadable: readonly StoredMessage[];
      reservation: Reservation;
    },
  ): void {
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
      const message = wanted.get(offset)!, size = sizes[at]!;
      this.#context.budget.learn(size);
      let isFree = false;
      const free = () => {
        if (!isFree) reservation.release(size);
        isFree = true;
      };
      this.#held.set(offset, { message: undefined, free });
      if ("messageId" in message) this.#offer(message, message.reconsumeTimes + 1);
      else this.#discard(message);
    });
    this.#isBusy = nextBeginOffset < maxOffset;
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
    const { warnings, calls, settings: { client: { clock } }, onMoved } = this.#context;
    const { topic, brokerName, queueId } = this.queue, from = positions.readTo;
    const what = `queue ${queueId} of topic "${topic}" at broker "${brokerName}"`;
    if (!isReset && next > from) {
      warnings.warn(
        "offset moved",
        `Goes on at ${next} instead of ${from} in ${what}: the broker deleted what was between`,
      );
      positions.take([], next);
      return;
    }
    if (!isReset && (next === from || await calls.maxOffset(this.queue, { signal }) >= from)) {
      warnings.warn(
        "offset moved",
        `Stays at ${from} in ${what}: the broker said ${next}, but it has messages there`,
      );
      await sleep(clock, RETRY_PAUSE, signal);
      return;
    }
    warnings.warn(
      "offset moved",
      `Goes back from ${from} to ${next} in ${what}: ${
        isReset ? "an operator reset it" : "the queue has become shorter"
      }`,
    );
    onMoved(this, next);
  }

  #offer(source: MessageExt, attempt: number): void {
    const held = this.#held.get(source.queueOffset);
    if (!held || this.#gone.signal.aborted) return;
    const { namespace } = this.#context.settings.client;
    const topic = source.properties[MessageProperty.RetryTopic] ?? source.topic;
    held.message = new IncomingMessage(source, namespace?.unwrap(topic) ?? topic, attempt, this);
    if (this.#reading.signal.aborted) this.dropUnbegun();
    else this.#context.inbox.add(held.message);
  }

  #settle(message: IncomingMessage): void {
    const held = this.#held.get(message.offset);
    this.#begun.delete(message);
    held?.free();
    this.#held.delete(message.offset);
    this.#positions?.settle(message.offset);
    this.#context.onIdle();
  }

  /**
   * Sends a message back. The position moves only after the broker confirmed the copy. If its fate is
   * unknown, a second request could make a second copy: the message is handled again here instead.
   */
  async #sendBack(
    message: IncomingMessage,
    decision: Exclude<Decision, { kind: "ack" }>,
  ): Promise<void> {
    const { settings, calls, warnings } = this.#context, { client: { clock } } = settings;
    const isDead = decision.kind === "dead-letter" || message.attempt >= settings.attempts;
    try {
      const delay = decision.kind === "retry"
        ? decision.delay ?? settings.retryDelay(message.attempt)
        : undefined;
      await calls.sendBack(this.queue, {
        offset: message.source.commitLogOffset,
        delayLevel: isDead ? DEAD_LETTER_LEVEL : delay === undefined ? 0 : delayLevelOf(delay),
        originMsgId: message.uniqueKey,
        originTopic: message.topic,
        bname: this.queue.brokerName,
      });
    } catch (error) {
      const what = `${isDead ? "dead letter" : "retry"} of message "${message.uniqueKey}"`;
      warnings.warn(
        "not sent back",
        `No broker confirmed the ${what}, it is handled again here: ${describe(error)}`,
      );
      await sleep(clock, RETRY_PAUSE, this.#reading.signal).catch(() => {});
      if (!this.#begun.delete(message)) return;
      message.end("released");
      this.#offer(message.source, message.attempt + 1);
      this.#context.onIdle();
      return;
    }
    if (this.#gone.signal.aborted) return;
    if (isDead) {
      const reason = decision.kind === "dead-letter" && decision.reason !== ""
        ? decision.reason
        : `attempt ${message.attempt} failed`;
      settings.client.logger.warn(
        `Message "${message.uniqueKey}" of topic "${message.topic}" is a dead letter: ${reason}`,
      );
    }
    this.#settle(message);
    message.end(isDead ? "dead-lettered" : "copied");
  }

  /** Makes a dead letter of a message whose body can't be read: no handler could get it. */
  async #discard(stored: StoredMessage): Promise<void> {
    const { calls, settings, warnings } = this.#context, { signal } = this.#reading;
    const { client: { clock, logger } } = settings;
    const what = `message ${stored.queueOffset} of topic "${stored.topic}"`;
    while (!signal.aborted) {
      try {
        await calls.sendBack(this.queue, {
          offset: stored.commitLogOffset,
          delayLevel: DEAD_LETTER_LEVEL,
          originTopic: stored.topic,
          bname: this.queue.brokerName,
        });
      } catch (error) {
        warnings.warn(
          "not sent back",
          `Cannot read ${what}, nor make a dead letter of it: ${describe(error)}`,
        );
        await sleep(clock, MAX_PAUSE, signal).catch(() => {});
        continue;
      }
      const held = this.#held.get(stored.queueOffset);
      if (!held) return;
      held.free();
      this.#held.delete(stored.queueOffset);
      this.#positions?.settle(stored.queueOffset);
      logger.error(`Made a dead letter of ${what}: its body can't be read`);
      return;
    }
  }
}

function sizeOf(message: MessageExt | StoredMessage): number {
  return MESSAGE_OVERHEAD + Math.max(message.body.length, message.storeSize);
}

/** Opens messages, and tells those apart whose bodies can't be read. */
async function openAll(bytes: Uint8Array): Promise<[MessageExt[], StoredMessage[]]> {
  const messages: MessageExt[] = [], unreadable: StoredMessage[] = [];
  for (const stored of decodeStoredMessages(bytes)) {
    try {
      const message = await openStoredMessage(stored);
      // A view would keep the whole answer in memory until the last of its messages is settled.
      const body = message.body === stored.body ? message.body.slice() : message.body;
      if (message.bodyCrcValid) messages.push({ ...message, body });
      else unreadable.push(stored);
    } catch (error) {
      if (!(error instanceof MessageDecodeError)) throw error;
      unreadable.push(stored);
    }
  }
  return [messages, unreadable];
}
