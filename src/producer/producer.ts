import type { ClientHooks } from "../client/mod.ts";
import { checkCount } from "../client/mod.ts";
import type { Message } from "../message/mod.ts";
import { ResponseCode } from "../remoting/mod.ts";
import { type ProducerBaseOptions, ProducerCore } from "./producer_core.ts";
import type { SendOptions, SendResult } from "./send_result.ts";
import type { SendBounds } from "./sender.ts";

/** The options of a {@linkcode Producer}. */
export interface ProducerOptions extends ProducerBaseOptions {
  /** Topics whose routes are found, and with whose brokers it registers, before `start()` resolves. */
  topics?: readonly string[];
  /** How often a send is tried again, on another broker where there is one. @default {2} */
  retries?: number;
}

/** Response codes after which another broker may take the message: those of the Java client. */
export const DEFAULT_RETRY_CODES: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.NO_PERMISSION,
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.GO_AWAY,
]);

const NO_HOOKS: ClientHooks = {
  onRegistered: () => {},
  onLost: () => {},
  onRouteChanged: () => {},
};

/**
 * Sends ordinary messages. A send whose answer got lost is tried again, so consumers may see a
 * message twice, under one message id.
 *
 * @example
 * ```ts
 * import { Producer } from "@rocketmq-deno/client";
 *
 * async function greet(nameServers: string): Promise<void> {
 *   await using producer = new Producer({ nameServers, producerGroup: "greeters" });
 *   await producer.start();
 *   await producer.send({ topic: "TopicTest", body: "Hello RocketMQ", tags: "TagA" });
 * }
 * ```
 */
export class Producer implements AsyncDisposable {
  readonly #core: ProducerCore;
  readonly #retries: number;

  /** Checks the options; nothing is connected yet. @throws {InvalidArgumentError} */
  constructor(options: ProducerOptions) {
    this.#core = new ProducerCore(options, options?.topics ?? []);
    this.#retries = checkCount("retries", options.retries, 2, 0, 16);
  }

  /** Resolves when the producer is closed. */
  get closed(): Promise<void> {
    return this.#core.closed;
  }

  /**
   * Finds the routes of the topics and registers with their brokers.
   *
   * @throws {RocketMQError} when that fails; the producer can be started again then.
   */
  start(options: { signal?: AbortSignal } = {}): Promise<void> {
    return this.#core.start(NO_HOOKS, () => () => {}, options.signal);
  }

  /**
   * Sends a message and waits until a broker has stored it.
   *
   * @throws {InvalidArgumentError} when the message can't be carried.
   * @throws {RocketMQError} the failure of the last try.
   */
  async send(message: Message, options: SendOptions = {}): Promise<SendResult> {
    return await sendMessage(this.#core, message, this.#core.bounds(options), this.#retries);
  }

  /** Unregisters and closes, within `timeout` milliseconds. */
  shutdown(options: { timeout?: number } = {}): Promise<void> {
    return this.#core.shutdown(options.timeout, () => Promise.resolve());
  }

  /** The same as {@linkcode Producer.shutdown}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}

/** Sends an ordinary message through a producer's core. */
export async function sendMessage(
  core: ProducerCore,
  message: Message,
  bounds: SendBounds,
  retries: number,
): Promise<SendResult> {
  const sender = core.sender();
  const outgoing = core.prepare(message, false);
  const receipt = await sender.sendWithRetries(outgoing, bounds, retries, DEFAULT_RETRY_CODES);
  return {
    sendStatus: receipt.sendStatus,
    messageId: outgoing.uniqueKey,
    offsetMessageId: receipt.offsetMessageId,
    messageQueue: receipt.messageQueue,
    queueOffset: receipt.queueOffset,
  };
}
