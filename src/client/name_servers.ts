import { type Clock, Deadline, type WaitOptions } from "../clock.ts";
import {
  AccessDeniedError,
  BrokerResponseError,
  ConnectionError,
  describe,
  ProtocolError,
  RocketMQError,
} from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { RemotingCommand, RemotingRequest } from "../remoting/mod.ts";
import { type ConnectionPool, isLasting } from "./connection_pool.ts";

/** The settings of the name servers. */
interface NameServersOptions {
  /** `host:port` of each. */
  addresses: readonly string[];
  /** Connections to them. */
  pool: ConnectionPool;
  clock: Clock;
  logger: Logger;
  /** Milliseconds for the answer of one server. */
  requestTimeout: number;
}

/** Milliseconds for which a server that failed comes after all others. */
const BAD_FOR = 60_000;

/**
 * The name servers of a cluster. One is used while it answers. If it does not, the next one is tried
 * within the same deadline. Those that failed a short time ago come last.
 */
export class NameServers {
  readonly #options: NameServersOptions;
  readonly #clock: Clock;
  readonly #failedAt = new Map<string, number>();
  #addresses: readonly string[] = [];
  #current = "";
  #localHost: string | undefined;

  constructor(options: NameServersOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#take(options.addresses);
  }

  /** Returns their addresses. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /**
   * Takes another list. Servers that are not on it are not used any more, and their connections are
   * closed. Callers that wait for them get the answer of others.
   */
  update(addresses: readonly string[]): void {
    const known = this.#addresses;
    const dropped = known.filter((address) => !addresses.includes(address));
    if (dropped.length === 0 && addresses.length === known.length) return;
    this.#options.logger.info(`The name servers are ${addresses.join(";")}`);
    this.#take(addresses);
    for (const address of dropped) {
      this.#failedAt.delete(address);
      this.#options.pool.drop(address, "it is not in the list of name servers any more");
    }
  }

  /** Returns the host of this end of the connection that answered last. */
  get localHost(): string | undefined {
    return this.#localHost;
  }

  /**
   * Sends a request to the servers in turn, until `read` accepts an answer. Name servers don't
   * replicate: if `read` returns `undefined`, the next one is tried, unless it failed a short time ago.
   * The result is `undefined` if no server knows more.
   *
   * @throws {AccessDeniedError} when no answer is accepted, and a server refuses because of the sender.
   * @throws {BrokerResponseError} when all of them refuse.
   * @throws {ConnectionError} with the reason of every server when no answer is accepted.
   */
  async ask<T>(
    request: RemotingRequest,
    read: (response: RemotingCommand, address: string) => T,
    options: WaitOptions,
  ): Promise<T> {
    const { pool, requestTimeout } = this.#options;
    const deadline = new Deadline(this.#clock, options.timeout);
    const failures: { address: string; error: unknown }[] = [];
    const asked = new Set<string>();
    let unknown: { answer: T } | undefined;
    for (;;) {
      const left = this.#inOrder().filter((it) => !asked.has(it) && !(unknown && this.#isBad(it)));
      const [address] = left;
      if (address === undefined) break;
      asked.add(address);
      const share = new Deadline(
        this.#clock,
        Math.min(requestTimeout, deadline.remaining / left.length),
      );
      try {
        const signal = options.signal;
        const connection = await pool.get(address, { timeout: share.remaining, signal });
        const response = await connection.request(request, { timeout: share.remaining, signal });
        const answer = read(response, address);
        this.#localHost = connection.localHost;
        this.#failedAt.delete(address);
        if (answer === undefined) {
          unknown = { answer };
          continue;
        }
        if (this.#addresses.includes(address)) this.#current = address;
        return answer;
      } catch (error) {
        if (options.signal?.aborted) throw error;
        failures.push({ address, error });
        this.#markBad(address);
      }
    }
    if (unknown) return unknown.answer;
    const denied = failures.find(({ error }) => error instanceof AccessDeniedError);
    if (denied) throw denied.error;
    const [first] = failures;
    if (first && failures.every(({ error }) => error instanceof BrokerResponseError)) {
      throw first.error;
    }
    const addresses = this.#addresses;
    const reasons = failures.map(({ error }) => describe(error)).join("; ");
    const isRetriable = failures.length === 0 ||
      failures.some(({ error }) =>
        error instanceof ProtocolError || error instanceof RocketMQError && error.isRetriable
      );
    // Without a permission, or with a certificate that is wrong, the address may well be right.
    const hint = failures.length > 0 && failures.every(({ error }) => isLasting(error))
      ? ""
      : ". Check that nameServers names name servers, by default on port 9876, and that they run";
    throw new ConnectionError(
      failures.some(({ error }) => isTimeout(error)) ? "TIMEOUT" : "CONNECT_FAILED",
      `Cannot get an answer from any name server of ${addresses.join(";")}: ${reasons}${hint}`,
      {
        address: addresses.join(";"),
        isRetriable,
        cause: failures.length === 1
          ? failures[0]!.error
          : new AggregateError(failures.map(({ error }) => error), "No name server answered"),
      },
    );
  }

  #take(addresses: readonly string[]): void {
    this.#addresses = [...addresses];
    if (addresses.includes(this.#current)) return;
    this.#current = addresses[Math.floor(this.#clock.random() * addresses.length)] ?? "";
  }

  #markBad(address: string): void {
    if (this.#addresses.includes(address)) this.#failedAt.set(address, this.#clock.monotonic());
  }

  #isBad(address: string): boolean {
    const failedAt = this.#failedAt.get(address);
    return failedAt !== undefined && failedAt > this.#clock.monotonic() - BAD_FOR;
  }

  /** Returns the list from the current server on. Those that failed lately come last, the latest at the end. */
  #inOrder(): string[] {
    const start = Math.max(0, this.#addresses.indexOf(this.#current));
    const ring = [...this.#addresses.slice(start), ...this.#addresses.slice(0, start)];
    const badness = (address: string) =>
      this.#isBad(address) ? this.#failedAt.get(address)! : -Infinity;
    return ring.map((address) => ({ address, at: badness(address) }))
      .sort((a, b) => a.at === b.at ? 0 : a.at - b.at)
      .map(({ address }) => address);
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof ConnectionError && error.code === "TIMEOUT";
}
