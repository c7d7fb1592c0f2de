import type { Clock } from "../clock.ts";
import { ConnectionError, describe } from "../errors.ts";
import type { RemotingCommand, RemotingRequest } from "../remoting/mod.ts";
import { AccessDeniedError } from "../requests/mod.ts";
import type { ConnectionPool } from "./connection_pool.ts";
import { Deadline, type WaitOptions } from "./deadline.ts";

/** The settings of the name servers. */
export interface NameServersOptions {
  /** `host:port` of each. */
  addresses: readonly string[];
  /** Connections to them. */
  pool: ConnectionPool;
  /** Time and chance. */
  clock: Clock;
  /** Milliseconds for the answer of one server. */
  requestTimeout: number;
}

/**
 * The name servers of a cluster. One is used as long as it answers; when it does not, the next is
 * asked, within the same deadline.
 */
export class NameServers {
  readonly #options: NameServersOptions;
  readonly #clock: Clock;
  #current: number;
  #localHost: string | undefined;

  constructor(options: NameServersOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#current = Math.floor(options.clock.random() * options.addresses.length);
  }

  /** Their addresses. */
  get addresses(): readonly string[] {
    return this.#options.addresses;
  }

  /** Host of this end of the connection that answered last. */
  get localHost(): string | undefined {
    return this.#localHost;
  }

  /**
   * Asks the servers in turn until one gives an answer that `read` accepts.
   *
   * @throws {AccessDeniedError} when none does and one refuses because of who asks.
   * @throws {ConnectionError} with the reason of every server when none does.
   */
  async ask<T>(
    request: RemotingRequest,
    read: (response: RemotingCommand, address: string) => T,
    options: WaitOptions,
  ): Promise<T> {
    const { addresses, pool, requestTimeout } = this.#options;
    const deadline = new Deadline(this.#clock, options.timeout);
    const failures: { address: string; error: unknown }[] = [];
    for (let tries = addresses.length; tries > 0; tries--) {
      const index = this.#current;
      const address = addresses[index]!;
      const share = new Deadline(
        this.#clock,
        Math.min(requestTimeout, deadline.remaining / tries),
      );
      try {
        const signal = options.signal;
        const connection = await pool.get(address, { timeout: share.remaining, signal });
        const response = await connection.request(request, { timeout: share.remaining, signal });
        const answer = read(response, address);
        this.#localHost = connection.localHost;
        return answer;
      } catch (error) {
        if (options.signal?.aborted) throw error;
        failures.push({ address, error });
        if (this.#current === index) this.#current = (index + 1) % addresses.length;
      }
    }
    const denied = failures.find(({ error }) => error instanceof AccessDeniedError);
    if (denied) throw denied.error;
    const reasons = failures.map(({ error }) => describe(error)).join("; ");
    throw new ConnectionError(
      failures.some(({ error }) => isTimeout(error)) ? "TIMEOUT" : "CONNECT_FAILED",
      `Cannot get an answer from any name server of ${addresses.join(";")}: ${reasons}. ` +
        "Check that nameServers names name servers, by default on port 9876, and that they run",
      {
        address: addresses.join(";"),
        isRetriable: true,
        cause: failures.length === 1
          ? failures[0]!.error
          : new AggregateError(failures.map(({ error }) => error), "No name server answered"),
      },
    );
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof ConnectionError && error.code === "TIMEOUT";
}
