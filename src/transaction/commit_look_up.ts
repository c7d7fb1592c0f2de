import { type ClientInstance, Deadline } from "../client/mod.ts";
import { type Clock, sleep } from "../clock.ts";
import { describe } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { MessageProperty } from "../message/mod.ts";
import { MessageIndex } from "../producer/mod.ts";
import type { Connection } from "../transport/mod.ts";
import type { HalfMessage } from "./half_message.ts";

/** Most queries at once: the answer to each can be as large as a message. */
const CONCURRENCY = 64;

/** How far a broker's index may lag behind what it stored, in milliseconds. */
const INDEX_LAG = 500;

/** The settings of a look-up. */
export interface CommitLookUpOptions {
  /** Connections to brokers. */
  client: ClientInstance;
  /** Time. */
  clock: Clock;
  /** Log. */
  logger: Logger;
  /** Milliseconds for one look-up. */
  timeout: number;
  /** Aborts when nothing may wait any longer. */
  timeUp: AbortSignal;
}

/**
 * Finds out whether a commit whose answer got lost was carried out, before it is given again: a
 * broker stores the message once more for every commit that it gets.
 */
export class CommitLookUp {
  readonly #options: CommitLookUpOptions;
  readonly #index: MessageIndex;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: CommitLookUpOptions) {
    this.#options = options;
    this.#index = new MessageIndex(options.client);
  }

  /**
   * Looks for the message of a transaction in its topic on the broker that holds the half message.
   * Gives the registered connection of that moment when it is there: as long as that stands, the
   * broker has not lost it. When nothing can be found out it is `undefined`: twice is better than
   * never.
   */
  async findCommitted(halfMessage: HalfMessage): Promise<Connection | undefined> {
    const { clock, logger, timeout, timeUp } = this.#options;
    const { transactionId, topic } = halfMessage.transaction;
    const deadline = new Deadline(clock, timeout);
    try {
      const found = await this.#findOn(halfMessage, deadline);
      if (found) return found;
      await sleep(clock, Math.min(INDEX_LAG, deadline.remaining / 2), timeUp).catch(() => {});
      return await this.#findOn(halfMessage, deadline);
    } catch (error) {
      logger.warn(
        `Cannot find out whether transaction ${transactionId} is committed already, its ` +
          `commit is given again and may be the second: ${describe(error)}`,
        { transactionId, topic },
      );
      return undefined;
    }
  }

  /** Looks once, and once more when the connection was another one afterwards. */
  async #findOn(halfMessage: HalfMessage, deadline: Deadline): Promise<Connection | undefined> {
    const { client } = this.#options, { brokerName } = halfMessage.handle;
    const connect = () => client.brokerConnection(brokerName, { timeout: deadline.remaining });
    let connection = await connect();
    while (await this.#find(halfMessage, deadline)) {
      const present = await connect();
      if (present === connection) return connection;
      connection = present;
    }
    return undefined;
  }

  async #find(
    { transaction: { transactionId, topic }, handle: { brokerName } }: HalfMessage,
    deadline: Deadline,
  ): Promise<boolean> {
    while (this.#running >= CONCURRENCY) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
    try {
      const found = await this.#index.byUniqueKey(brokerName, topic, transactionId, { deadline });
      return found.some((message) =>
        message.topic === topic && message.properties[MessageProperty.UniqueKey] === transactionId
      );
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}
