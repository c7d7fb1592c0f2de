import { concat } from "../bytes.ts";
import { type ClientInstance, Deadline, within } from "../client/mod.ts";
import type { Clock, TimerHandle } from "../clock.ts";
import { ConnectionError } from "../errors.ts";
import { encodeBatchMessage, encodeProperties, type MessageQueue } from "../message/internal.ts";
import type { AutoBatchSettings } from "./auto_batch.ts";
import {
  assembleBatch,
  type BatchedMessage,
  isRetryTopic,
  type OutgoingBatch,
  whyAlone,
} from "./batch.ts";
import { isTooMuchAtOnce, keyOf, sharedProperties } from "./batch_sharing.ts";
import type { OutgoingMessage, ReadMessage } from "./outgoing_message.ts";
import type { SendResult } from "./send_result.ts";
import { choiceOf } from "./queue_finder.ts";
import type { SendBounds, SendReceipt } from "./send_receipt.ts";

/** What an auto-batcher works with. */
export interface AutoBatcherOptions extends AutoBatchSettings {
  /** Knows the routes. */
  client: ClientInstance;
  /** Time. */
  clock: Clock;
  /** Makes the unique key of a batch. */
  uniqueKey: () => string;
  /** Sends a message by itself. */
  sendSingle: (message: OutgoingMessage, bounds: SendBounds) => Promise<SendResult>;
  /** Sends a batch. */
  sendBatch: (
    batch: OutgoingBatch,
    bounds: SendBounds,
  ) => Promise<{ receipt: SendReceipt; messages: readonly BatchedMessage[] }>;
}

/** A message that waits for others, or for the answer to its batch. */
interface Member {
  readonly message: ReadMessage;
  readonly encoded: Uint8Array;
  readonly bounds: SendBounds;
  readonly result: PromiseWithResolvers<SendResult>;
  /** Ends the watch over its signal and its time. */
  unwatch: (() => void) | undefined;
}

/** Messages that go to the same place. */
interface Gathering {
  readonly key: string;
  readonly queue: MessageQueue | undefined;
  readonly members: Set<Member>;
  size: number;
  timer: TimerHandle;
  /** Ends the send when nobody waits for it any more; set when it has left. */
  abort?: AbortController;
}

/**
 * Gathers single messages into batches: those of one topic, or of one queue where one is chosen, of
 * one tag and one `waitStoreMessageOk`. A batch leaves when the first message has waited long enough,
 * when the next one does not fit, or before a message of the same kind that goes by itself, so that
 * all leave in the order of their calls.
 */
export class AutoBatcher {
  readonly #options: AutoBatcherOptions;
  readonly #open = new Map<string, Gathering>();
  readonly #leaving = new Set<Promise<void>>();
  #totalSize = 0;

  constructor(options: AutoBatcherOptions) {
    this.#options = options;
  }

  /** Bytes that wait or are on their way. */
  get totalSize(): number {
    return this.#totalSize;
  }

  /**
   * Sends a message, in a batch where that is possible.
   *
   * @throws {RocketMQError} the failure of the last try of its batch, or its own.
   */
  send(message: ReadMessage, bounds: SendBounds): Promise<SendResult> {
    const choose = choiceOf(message, bounds);
    const route = choose && this.#options.client.peekRoute(message.topic);
    const isKnown = route !== undefined && route.writableQueues.length > 0;
    const queue = isKnown ? choose!(route) : undefined;
    const key = keyOf(message, queue);
    const encoded = choose && !isKnown ? undefined : this.#encode(message, bounds);
    if (encoded === undefined) {
      this.#flush(this.#open.get(key));
      return this.#sendSingle(message, queue ? { ...bounds, choose: () => queue } : bounds);
    }
    return this.#gather(key, queue, encoded, message, bounds);
  }

  /** Sends what waits, and waits until all batches have been answered, as far as the time allows. */
  async drain(deadline: Deadline): Promise<void> {
    for (const gathering of [...this.#open.values()]) this.#flush(gathering);
    const all = Promise.all(this.#leaving);
    const rest = { timeout: deadline.remaining };
    await within(this.#options.clock, all, rest, () => new Error("time is up")).catch(() => {});
  }

  /** A message as a part of a batch; undefined when it has to go by itself. */
  #encode(message: ReadMessage, { deadline, signal }: SendBounds): Uint8Array | undefined {
    const { holdTime, maxBatchSize, maxTotalSize } = this.#options;
    const { topic, body, replyTo } = message;
    if (body.length >= maxBatchSize || replyTo !== undefined || isRetryTopic(topic)) return;
    if (deadline.timeout < 2 * holdTime || signal?.aborted || whyAlone(message)) return;
    const encoded = encodeBatchMessage(message);
    if (encoded.length > maxBatchSize || this.#totalSize + encoded.length > maxTotalSize) return;
    return encoded;
  }

  #gather(
    key: string,
    queue: MessageQueue | undefined,
    encoded: Uint8Array,
    message: ReadMessage,
    bounds: SendBounds,
  ): Promise<SendResult> {
    const { clock, holdTime, maxBatchSize } = this.#options;
    let gathering = this.#open.get(key);
    if (gathering && gathering.size + encoded.length > maxBatchSize) {
      this.#flush(gathering);
      gathering = undefined;
    }
    if (!gathering) {
      const timer = clock.setTimer(() => this.#flush(created), holdTime);
      const created: Gathering = { key, queue, members: new Set(), size: 0, timer };
      gathering = created;
      this.#open.set(key, gathering);
    }
    const member: Member = {
      message,
      encoded,
      bounds,
      result: Promise.withResolvers(),
      unwatch: undefined,
    };
    gathering.members.add(member);
    gathering.size += encoded.length;
    this.#totalSize += encoded.length;
    if (bounds.signal) this.#watchSignal(member, gathering, bounds.signal);
    if (gathering.size >= maxBatchSize) this.#flush(gathering);
    return member.result.promise;
  }

  #flush(gathering: Gathering | undefined): void {
    if (!gathering || this.#open.get(gathering.key) !== gathering) return;
    this.#open.delete(gathering.key);
    this.#options.clock.clearTimer(gathering.timer);
    if (gathering.members.size === 0) return;
    const { size } = gathering;
    const leaving = this.#leave(gathering).finally(() => {
      this.#totalSize -= size;
      this.#leaving.delete(leaving);
    });
    this.#leaving.add(leaving);
  }

  /** Sends what was gathered, and tells each of those who wait. Never throws. */
  async #leave(gathering: Gathering): Promise<void> {
    const members = [...gathering.members];
    if (members.length === 1) return await this.#resend(members, gathering.queue);
    const { clock, holdTime, uniqueKey, sendBatch } = this.#options;
    const timeout = Math.max(...members.map(({ bounds }) => bounds.deadline.remaining));
    gathering.abort = new AbortController();
    for (const member of members) {
      const { remaining } = member.bounds.deadline;
      if (remaining < timeout - holdTime) this.#watchTime(member, gathering, remaining);
    }
    try {
      const messages = members.map(({ message }) => message);
      const body = concat(members.map(({ encoded }) => encoded));
      const batch = assembleBatch(messages, body, uniqueKey(), sharedProperties(messages));
      const { queue } = gathering;
      const { receipt, messages: stored } = await sendBatch(batch, {
        deadline: new Deadline(clock, timeout),
        signal: gathering.abort.signal,
        choose: queue && (() => queue),
      });
      const { sendStatus, messageQueue } = receipt;
      for (const [index, { message, result }] of members.entries()) {
        const { offsetMessageId, queueOffset } = stored[index]!;
        const own = {
          ...receipt,
          offsetMessageId,
          offsetMessageIds: [offsetMessageId],
          queueOffset,
        };
        message.observation?.end({ bodySize: message.body.length, receipt: own });
        result.resolve({ ...stored[index]!, sendStatus, messageQueue });
      }
    } catch (error) {
      const waiting = members.filter((member) => gathering.members.has(member));
      if (isTooMuchAtOnce(error)) return await this.#resend(waiting, gathering.queue);
      for (const member of waiting) fail(member, error);
    } finally {
      for (const { unwatch } of members) unwatch?.();
    }
  }

  /** Sends messages one by one. Never throws. */
  async #resend(members: readonly Member[], queue: MessageQueue | undefined): Promise<void> {
    await Promise.all(members.map(async ({ message, bounds, result, unwatch }) => {
      unwatch?.();
      const settled = queue ? { ...bounds, choose: () => queue } : bounds;
      await this.#sendSingle(message, settled).then(result.resolve, result.reject);
    }));
  }

  async #sendSingle(message: ReadMessage, bounds: SendBounds): Promise<SendResult> {
    const properties = encodeProperties(message.properties);
    return await this.#options.sendSingle({ ...message, properties }, bounds);
  }

  #watchSignal(member: Member, gathering: Gathering, signal: AbortSignal): void {
    const onAbort = () => this.#giveUp(member, gathering, "ABORTED", signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    member.unwatch = () => signal.removeEventListener("abort", onAbort);
  }

  #watchTime(member: Member, gathering: Gathering, remaining: number): void {
    const { clock } = this.#options, { unwatch } = member;
    const timer = clock.setTimer(() => this.#giveUp(member, gathering, "TIMEOUT"), remaining);
    member.unwatch = () => {
      clock.clearTimer(timer);
      unwatch?.();
    };
  }

  /** One of the callers waits no longer. A message that has not left is not sent. */
  #giveUp(
    member: Member,
    gathering: Gathering,
    failure: "ABORTED" | "TIMEOUT",
    cause?: unknown,
  ): void {
    const { message: { topic, uniqueKey }, bounds: { deadline }, encoded } = member;
    const hasLeft = this.#open.get(gathering.key) !== gathering;
    gathering.members.delete(member);
    member.unwatch?.();
    if (hasLeft) {
      if (gathering.members.size === 0) gathering.abort?.abort(cause);
    } else {
      gathering.size -= encoded.length;
      this.#totalSize -= encoded.length;
    }
    const reason = failure === "ABORTED"
      ? "the caller aborted it"
      : `no answer came within ${deadline.timeout} ms`;
    fail(
      member,
      new ConnectionError(
        failure,
        `Cannot send message ${uniqueKey} to topic "${topic}" in a batch: ${reason}`,
        { topic, written: hasLeft, isRetriable: failure === "TIMEOUT", cause },
      ),
    );
  }
}

function fail({ message, result }: Member, error: unknown): void {
  message.observation?.end({ bodySize: message.body.length, error });
  result.reject(error);
}
