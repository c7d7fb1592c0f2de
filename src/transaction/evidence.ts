import { Backoff } from "../backoff.ts";
import type { ClientInstance } from "../client/mod.ts";
import { type Clock, Deadline, sleep } from "../clock.ts";
import {
  BrokerResponseError,
  ConnectionError,
  describe,
  InvalidStateError,
  printable,
} from "../errors.ts";
import { decodeStoredMessages, MessageProperty } from "../message/mod.ts";
import { ResponseCode } from "../remoting/mod.ts";
import {
  createQueryMessageRequest,
  createViewMessageRequest,
  isTransientRefusal,
  type QueryMessageResponse,
  readQueryMessageResponse,
  readViewMessageResponse,
} from "../requests/mod.ts";
import type { Connection } from "../transport/mod.ts";
import { HALF_TOPIC, type HalfMessage } from "./half_message.ts";
import type { LiveTransaction } from "./live.ts";

/** Most queries at once: the answer to each can be as large as a message. */
const MAX_QUERIES = 64;

/**
 * A query that would have fewer milliseconds for its answer does not leave: its result would be the same, and
 * the broker would still work on it when the next one comes. A short deadline lowers it to a quarter.
 */
const MIN_TIME_FOR_ANSWER_MS = 150;

/** Milliseconds that a broker's index may lag behind what it has stored, where it does not tell. */
const INDEX_LAG_MS = 500;

/** Records of one transaction that a query may bring. */
const MAX_FOUND = 64;

/** A query ends at no date, whatever the clocks say: the greatest one that the protocol can carry. */
const END_OF_TIME = 2n ** 63n - 1n;

/** Response codes that tell of a record, or ask to come again: with any other nothing is known. */
const TELLING: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.FLOW_CONTROL,
  ResponseCode.GO_AWAY,
]);

/** What {@linkcode BrokerEvidence} works with. */
export interface BrokerEvidenceOptions {
  client: ClientInstance;
  clock: Clock;
  /** Aborts when nothing may wait any longer. */
  timeUp: AbortSignal;
  /** Most queries at once. @default {64} */
  maxQueries?: number | undefined;
}

/** What is looked for in a broker's index. */
interface Query {
  readonly key: string;
  readonly topic: string;
  readonly maxNum?: number;
}

/** Asks a broker what it has of a transaction: the one source of truth about what it has stored. */
export class BrokerEvidence {
  readonly #options: BrokerEvidenceOptions;
  /** Looks that wait for their first query. */
  readonly #waiting: (() => void)[] = [];
  /** Looks that wait for another query. They go first: else none of many would end in its time. */
  readonly #begun: (() => void)[] = [];
  #running = 0;

  constructor(options: BrokerEvidenceOptions) {
    this.#options = options;
  }

  /**
   * Looks for the visible message of a transaction on the broker that checked: on the connection that
   * the half message came on, while that stands.
   *
   * A broker indexes its log from the start, some milliseconds after it was written. Once the half
   * message is indexed, every message that was committed before it is, too: so it is asked how far its
   * index has come, and looked at once more. Where it does not tell, and after a COMMIT of this process
   * or at the moment of one of another member, which may be newer than the half message, a moment passes
   * before that. Several members may have waited for the same lock, so it is not equally long for each.
   *
   * @returns The connection on which it was found; undefined when it is not there.
   * @throws {RocketMQError} when the broker can't be asked.
   */
  async findVisible(
    live: LiveTransaction,
    half: HalfMessage,
    deadline: Deadline,
  ): Promise<Connection | undefined> {
    const { clock, timeUp } = this.#options;
    const bound = new Deadline(clock, deadline.remaining / 2);
    const found = await this.findNow(live, half, bound);
    if (found) return found;
    const { isRepeated, mayCoincide } = live;
    if (isRepeated || mayCoincide || !await this.#isIndexed(live, half, bound)) {
      const pause = mayCoincide ? INDEX_LAG_MS * (1 + clock.random()) : INDEX_LAG_MS;
      await sleep(clock, Math.min(pause, bound.remaining / 2), timeUp).catch(() => {});
    }
    return await this.findNow(live, half, bound, true);
  }

  /**
   * Makes sure that a half message is where it was, before END_TRANSACTION leaves on another connection
   * than the one that it was learned on: after a reconnect, and with the VIP channel. A broker that has
   * lost the end of its log in between, by a power failure or because its slave lagged behind when it
   * was promoted, writes other records in the same places; END_TRANSACTION names the place only, and
   * would end another transaction. Where the broker does not let look, it goes out unseen.
   *
   * @throws {InvalidStateError} when something else is there.
   * @throws {BrokerResponseError} when nothing is there.
   * @throws {ConnectionError} when there is no answer in time.
   */
  async refuseMoved(
    connection: Connection,
    { transactionId, topic }: LiveTransaction,
    { brokerName, commitLogOffset: offset }: HalfMessage,
    deadline: Deadline,
  ): Promise<void> {
    const timeout = deadline.remaining, { address } = connection;
    const request = createViewMessageRequest({ offset, topic });
    const response = await connection.request(request, { timeout });
    let found: string;
    try {
      const bytes = readViewMessageResponse(response, { address, brokerName, topic });
      const [record] = decodeStoredMessages(bytes);
      // One without a key goes by an id that only check-backs tell, see `transactionIdOf`.
      const id = record && (record.properties[MessageProperty.UniqueKey] || transactionId);
      if (id === transactionId) return;
      found = id === undefined ? "nothing" : `that of ${printable(id, 128)}`;
    } catch (error) {
      if (!(error instanceof BrokerResponseError)) found = `no message: ${describe(error)}`;
      else if (TELLING.has(error.responseCode)) throw error;
      else return;
    }
    throw new InvalidStateError(
      `Cannot end transaction ${transactionId}: where broker "${brokerName}" at ${address} had its ` +
        `half message is now ${found}, the broker has lost the end of its log`,
      { address, brokerName, topic },
    );
  }

  /**
   * Looks once, without regard to what the index lags behind.
   *
   * @throws {RocketMQError} when the broker can't be asked.
   */
  async findNow(
    { transactionId, topic }: LiveTransaction,
    half: HalfMessage,
    deadline: Deadline,
    hasBegun = false,
  ): Promise<Connection | undefined> {
    const { namespace } = this.#options.client;
    const bounds = { deadline, hasBegun };
    const [connection, { body }] = await this.#query({ key: transactionId, topic }, half, bounds);
    const isVisible = decodeStoredMessages(body).some((message) =>
      message.properties[MessageProperty.UniqueKey] === transactionId &&
      (namespace?.unwrap(message.topic) ?? message.topic) === topic
    );
    return isVisible && connection.isOpen ? connection : undefined;
  }

  /** Reports whether the broker says that its index has come as far as a half message. */
  async #isIndexed(
    { transactionId }: LiveTransaction,
    half: HalfMessage,
    deadline: Deadline,
  ): Promise<boolean> {
    try {
      const [, response] = await this.#query(
        { key: transactionId, topic: HALF_TOPIC, maxNum: 1 },
        half,
        { deadline, hasBegun: true },
      );
      return (response.indexLastUpdatePhyoffset ?? 0n) >= half.commitLogOffset;
    } catch {
      return false;
    }
  }

  /** Queries the index, and again after a pause where it was refused for a moment. */
  async #query(
    query: Query,
    half: HalfMessage,
    { deadline, hasBegun }: { deadline: Deadline; hasBegun: boolean },
  ): Promise<[Connection, QueryMessageResponse]> {
    const { clock, timeUp } = this.#options, backoff = new Backoff(clock, 100, 1_000);
    for (let isAgain = false;; isAgain = true) {
      try {
        return await this.#queryOnce(query, half, { deadline, hasBegun: hasBegun || isAgain });
      } catch (error) {
        const pause = backoff.next();
        const hasTime = !timeUp.aborted && deadline.remaining - pause >= MIN_TIME_FOR_ANSWER_MS;
        if (!hasTime || !mayPass(error)) throw error;
        await sleep(clock, pause, timeUp).catch(() => {});
      }
    }
  }

  async #queryOnce(
    { key, topic, maxNum = MAX_FOUND }: Query,
    { brokerName, connection: learnedOn }: HalfMessage,
    { deadline, hasBegun }: { deadline: Deadline; hasBegun: boolean },
  ): Promise<[Connection, QueryMessageResponse]> {
    await this.#enter(hasBegun ? this.#begun : this.#waiting);
    try {
      const { remaining, timeout: whole } = deadline;
      const timeout = remaining - Math.min(MIN_TIME_FOR_ANSWER_MS, whole / 4);
      if (timeout <= 0) {
        throw new ConnectionError(
          "TIMEOUT",
          `Cannot look for transaction ${key} on broker "${brokerName}": when its turn came, ` +
            `${Math.floor(remaining)} of ${Math.round(whole)} ms were left, too few for an answer`,
          { brokerName, topic },
        );
      }
      const connection = learnedOn?.isOpen
        ? learnedOn
        : await this.#options.client.brokerConnection(brokerName, { timeout });
      const { address } = connection;
      const request = createQueryMessageRequest({
        topic,
        key,
        maxNum,
        beginTimestamp: 0n,
        endTimestamp: END_OF_TIME,
        indexType: "U",
      });
      const response = await connection.request(request, { timeout: deadline.remaining });
      return [connection, readQueryMessageResponse(response, { address, brokerName, topic })];
    } finally {
      this.#leave();
    }
  }

  async #enter(line: (() => void)[]): Promise<void> {
    while (this.#running >= (this.#options.maxQueries ?? MAX_QUERIES)) {
      await new Promise<void>((resolve) => line.push(resolve));
    }
    this.#running++;
  }

  #leave(): void {
    this.#running--;
    (this.#begun.shift() ?? this.#waiting.shift())?.();
  }
}

/** Reports whether the same query may succeed in a moment. It changes nothing, so it can be repeated. */
function mayPass(error: unknown): boolean {
  return isTransientRefusal(error) ||
    error instanceof ConnectionError && error.code === "CONNECTION_LOST";
}
