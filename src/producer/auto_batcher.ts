import { concat } from "../bytes.ts";
import { checkCount, checkNames, namesOf } from "../checks.ts";
import type { ClientInstance } from "../client/mod.ts";
import { type Clock, Deadline, type TimerHandle, within } from "../clock.ts";
import { BrokerResponseError, ConnectionError, InvalidArgumentError } from "../errors.ts";
import {
  encodeBatchMessage,
  MessageProperty,
  type MessageQueue,
  splitKeys,
} from "../message/internal.ts";
import { ResponseCode } from "../remoting/mod.ts";
import { assembleBatch, batchResultOf, isRetryTopic, whyAlone } from "./batch.ts";
import { encodeMessage, type OutgoingMessage, type ReadMessage } from "./outgoing_message.ts";
import { choiceOf } from "./queues.ts";
import type { AnsweredPolicy, SendBounds } from "./send_policy.ts";
import type { SendReceipt } from "./send_result.ts";

/** Up to so many characters of tag and keys, a batch names the keys of all of its messages. */
const MAX_SHARED_LENGTH = 8 * 1024;

/** Configures how `send()` gathers messages into batches. */
export interface AutoBatchOptions {
  /**
   * Milliseconds for which a message waits for others. Twice as long must fit into the producer's
   * `sendTimeout`, and into the `timeout` of a send: if it does not, that message is sent immediately.
   *
   * @default {10}
   */
  holdTime?: number;
  /**
   * Bytes of a batch that leaves without waiting on, bodies, properties and lengths together. What is
   * larger by itself is sent by itself.
   *
   * @default {32768}
   */
  maxBatchSize?: number;
  /**
   * Most bytes that wait or are on their way in batches. What comes beyond it is sent by itself,
   * immediately.
   *
   * @default {33554432}
   */
  maxTotalSize?: number;
}

/** Holds the options of auto-batching, checked and complete. */
export type AutoBatchSettings = Required<AutoBatchOptions>;

const AUTO_BATCH_OPTIONS = namesOf<AutoBatchOptions>({
  holdTime: true,
  maxBatchSize: true,
  maxTotalSize: true,
});

/** Checks the options of auto-batching; undefined when it is off. @throws {InvalidArgumentError} */
export function resolveAutoBatch(
  option: boolean | AutoBatchOptions | undefined,
  { sendTimeout, maxMessageSize }: { sendTimeout: number; maxMessageSize: number },
): AutoBatchSettings | undefined {
  if (option === undefined || option === false) return undefined;
  if (option !== true && (option === null || typeof option !== "object")) {
    throw new InvalidArgumentError(
      "Cannot use option autoBatch: it must be true, false or an object of settings",
    );
  }
  if (option !== true) checkNames(option, AUTO_BATCH_OPTIONS, "autoBatch option");
  const { holdTime, maxBatchSize, maxTotalSize } = option === true ? {} : option;
  const longest = Math.max(1, Math.floor(sendTimeout / 2));
  return {
    holdTime: checkCount("autoBatch.holdTime", holdTime, {
      fallback: Math.min(10, longest),
      min: 1,
      max: longest,
      unit: " ms",
    }),
    maxBatchSize: checkCount("autoBatch.maxBatchSize", maxBatchSize, {
      fallback: Math.min(32 * 1024, maxMessageSize),
      min: 1,
      max: maxMessageSize,
      unit: " bytes",
    }),
    maxTotalSize: checkCount("autoBatch.maxTotalSize", maxTotalSize, {
      fallback: 32 * 1024 * 1024,
      min: 1,
      max: 2 ** 31 - 1,
      unit: " bytes",
    }),
  };
}

/** Provides what an auto-batcher works with. */
export interface AutoBatcherOptions extends AutoBatchSettings {
  /** Knows the routes. */
  client: ClientInstance;
  clock: Clock;
  /** Makes the unique key of a batch. */
  uniqueKey: () => string;
  policy: AnsweredPolicy;
  /** Sends a message, or a batch. */
  send: (
    message: OutgoingMessage,
    bounds: SendBounds,
    policy: AnsweredPolicy,
  ) => Promise<SendReceipt>;
}

/** A message that waits for others, or for the answer to its batch. */
interface Member {
  readonly message: ReadMessage;
  readonly encoded: Uint8Array;
  readonly bounds: SendBounds;
  readonly result: PromiseWithResolvers<SendReceipt>;
  /** Forgets its signal and its time. */
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
   * @throws {RocketMQError} the failure of the last attempt of its batch, or its own.
   */
  send(message: ReadMessage, bounds: SendBounds): Promise<SendReceipt> {
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
    return this.#gather({ key, queue }, { message, encoded, bounds });
  }

  /** Sends what waits, and waits until all batches have been answered, as far as the time allows. */
  async drain(deadline: Deadline): Promise<boolean> {
    for (const gathering of [...this.#open.values()]) this.#flush(gathering);
    const all = Promise.all(this.#leaving);
    const rest = { timeout: deadline.remaining };
    return await within(this.#options.clock, all, rest, () => new Error("time is up"))
      .then(() => true, () => false);
  }

  /** Encodes a message as a part of a batch; undefined when it has to go by itself. */
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
    { key, queue }: Pick<Gathering, "key" | "queue">,
    { message, encoded, bounds }: Pick<Member, "message" | "encoded" | "bounds">,
  ): Promise<SendReceipt> {
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
    const result = Promise.withResolvers<SendReceipt>();
    const member: Member = { message, encoded, bounds, result, unwatch: undefined };
    gathering.members.add(member);
    gathering.size += encoded.length;
    this.#totalSize += encoded.length;
    if (bounds.signal) this.#watchSignal(member, gathering, bounds.signal);
    if (gathering.size >= maxBatchSize) this.#flush(gathering);
    return result.promise;
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
    const { clock, holdTime, uniqueKey, policy, send } = this.#options;
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
      const bounds = {
        deadline: new Deadline(clock, timeout),
        signal: gathering.abort.signal,
        choose: queue && (() => queue),
      };
      const receipt = await send(batch, bounds, policy);
      const { messages: stored } = batchResultOf(batch, receipt);
      for (const [index, { message, result }] of members.entries()) {
        const { offsetMessageId, queueOffset } = stored[index]!;
        const offsetMessageIds = [offsetMessageId], bodySize = message.body.length;
        result.resolve({ ...receipt, offsetMessageId, offsetMessageIds, queueOffset, bodySize });
      }
    } catch (error) {
      const waiting = members.filter((member) => gathering.members.has(member));
      if (isTooMuchAtOnce(error)) return await this.#resend(waiting, gathering.queue);
      for (const { result } of waiting) result.reject(error);
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

  async #sendSingle(message: ReadMessage, bounds: SendBounds): Promise<SendReceipt> {
    const { send, policy } = this.#options;
    return await send(encodeMessage(message), bounds, policy);
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

  /** Rejects the send of a caller that waits no longer. A message that has not left is not sent. */
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
    member.result.reject(
      new ConnectionError(
        failure,
        `Cannot send message ${uniqueKey} to topic "${topic}" in a batch: ${reason}`,
        { topic, written: hasLeft, isRetriable: failure === "TIMEOUT", cause },
      ),
    );
  }
}

/** Returns a key: messages that have the same may go into one batch. */
function keyOf({ topic, properties }: ReadMessage, queue: MessageQueue | undefined): string {
  const place = queue ? `${queue.queueId}@${queue.brokerName}` : "";
  const tag = properties[MessageProperty.Tags] ?? "";
  return `${topic}\n${properties[MessageProperty.WaitStoreMessageOk]}\n${tag}\n${place}`;
}

/** Gives a batch tag and keys as a whole: a topic whose batches stay together is filtered by them. */
function sharedProperties(messages: readonly ReadMessage[]): Record<string, string> {
  const tag = messages[0]!.properties[MessageProperty.Tags] ?? "";
  const keys = new Set<string>();
  for (const { properties } of messages) {
    for (const key of splitKeys(properties[MessageProperty.Keys])) keys.add(key);
  }
  const joined = [...keys].join(" ");
  const fits = tag.length + joined.length <= MAX_SHARED_LENGTH;
  return {
    ...(tag === "" ? {} : { [MessageProperty.Tags]: tag }),
    ...(joined === "" || !fits ? {} : { [MessageProperty.Keys]: joined }),
  };
}

/** Reports whether a broker stored nothing of a batch because it is too large for it as a whole. */
function isTooMuchAtOnce(error: unknown): boolean {
  if (!(error instanceof BrokerResponseError)) return false;
  const { responseCode, remark } = error;
  return responseCode === ResponseCode.MESSAGE_ILLEGAL ||
    responseCode === ResponseCode.SYSTEM_ERROR && remark.includes("message body size exceeded");
}
