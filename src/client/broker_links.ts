import { type Clock, Deadline, sleep, type WaitOptions, within } from "../clock.ts";
import { AccessDeniedError, ConnectionError, describe } from "../errors.ts";
import type { Logger, ThrottledLogger } from "../logger.ts";
import type { RemotingRequest } from "../remoting/mod.ts";
import {
  createUnregisterClientRequest,
  readHeartbeatResponse,
  readUnregisterClientResponse,
} from "../requests/mod.ts";
import { type Connection, lacksPermission } from "../transport/mod.ts";
import { type ConnectionPool, isLasting } from "./connection_pool.ts";
import type { Outages } from "./outages.ts";

/** The settings of the links to brokers. */
interface BrokerLinksOptions {
  /** Connections to brokers. */
  pool: ConnectionPool;
  clock: Clock;
  logger: Logger;
  warnings: ThrottledLogger;
  /** Tells of brokers that can't be reached. */
  outages: Outages;
  /** Milliseconds for a connection and for the answer to a heartbeat. */
  requestTimeout: number;
  /** Makes the heartbeat of this client. */
  heartbeat: () => RemotingRequest;
  /** Called when a broker accepted the first heartbeat of a connection. */
  onRegistered: (brokerName: string, connection: Connection) => void;
  /** Called when such a connection is over. */
  onLost: (brokerName: string, address: string, reason: string) => void;
}

interface Link {
  readonly brokerName: string;
  readonly address: string;
  readonly gone: AbortController;
  connection?: Connection;
  establishing?: Promise<Connection>;
  /** The reason why the last attempt failed, for callers that wait in vain. */
  lastError?: unknown;
  missedHeartbeats: number;
}

/** Milliseconds before the next attempt at a broker that refused or did not answer a heartbeat. */
const RETRY_DELAY = 1_000;

/** Heartbeats in a row without an answer, after which a connection is closed. */
const MAX_MISSED_HEARTBEATS = 2;

/**
 * Keeps a registered connection to the master of every broker that the routes name. A broker sends
 * check-backs only over connections on which it accepted a heartbeat. So a link is usable after that.
 * A link that is lost is made again immediately, in the background.
 */
export class BrokerLinks {
  readonly #options: BrokerLinksOptions;
  readonly #clock: Clock;
  readonly #links = new Map<string, Link>();
  /** Brokers whose failures are told by what waits for them. */
  readonly #awaited = new Set<string>();
  #closed = false;

  constructor(options: BrokerLinksOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /** Returns the names of the brokers that the last attempt did not reach. */
  unreachable(): string[] {
    const names: string[] = [];
    for (const { brokerName, connection, lastError } of this.#links.values()) {
      if (lastError !== undefined && !connection?.isOpen) names.push(brokerName);
    }
    return names;
  }

  /** Returns the links that are registered now. */
  *registered(): Iterable<{ brokerName: string; connection: Connection }> {
    for (const { brokerName, connection } of this.#links.values()) {
      if (connection?.isOpen) yield { brokerName, connection };
    }
  }

  /** Returns the registered connection to a broker's master, if there is one now. */
  open(brokerName: string): Connection | undefined {
    const connection = this.#links.get(brokerName)?.connection;
    return connection?.isOpen ? connection : undefined;
  }

  /** Returns the addresses of all links. */
  addresses(): string[] {
    return Array.from(this.#links.values(), ({ address }) => address);
  }

  /** Returns the name of the broker at an address, also while its link is being made. */
  nameAt(address: string): string | undefined {
    for (const link of this.#links.values()) if (link.address === address) return link.brokerName;
    return undefined;
  }

  /**
   * Takes the masters that the routes name now. Makes links to new ones, and drops links to those that
   * left the routes. Their connections stay open until the next heartbeat, in case they return.
   */
  update(masters: ReadonlyMap<string, string>): void {
    if (this.#closed) return;
    for (const [brokerName, link] of this.#links) {
      if (masters.get(brokerName) === link.address) continue;
      this.#links.delete(brokerName);
      if (!masters.has(brokerName)) this.#options.outages.forget(brokerName);
      link.gone.abort(new Error("no route names this broker any more"));
      this.#options.logger.info(
        `No route names broker "${brokerName}" at ${link.address} any more`,
      );
    }
    for (const [brokerName, address] of masters) {
      if (this.#links.has(brokerName)) continue;
      const link: Link = {
        brokerName,
        address,
        gone: new AbortController(),
        missedHeartbeats: 0,
      };
      this.#links.set(brokerName, link);
      this.#reconnect(link);
    }
  }

  /**
   * Returns the registered connection to a broker's master, and waits for it if there is none.
   *
   * @throws {ConnectionError} with code `CONNECT_FAILED` when there is none in time, or `ABORTED`.
   * Nothing was written then.
   * @throws {AccessDeniedError} when the broker refuses the heartbeat because of its sender.
   */
  async get(brokerName: string, options: WaitOptions): Promise<Connection> {
    const deadline = new Deadline(this.#clock, options.timeout);
    for (;;) {
      const link = this.#links.get(brokerName);
      if (!link) {
        const reason = this.#closed ? "the client is closed" : "no route names a master of it";
        throw new ConnectionError(
          "CONNECT_FAILED",
          `Cannot reach broker "${brokerName}": ${reason}`,
          { brokerName, isRetriable: !this.#closed },
        );
      }
      if (link.connection?.isOpen) return link.connection;
      try {
        return await within(
          this.#clock,
          this.#establish(link),
          { timeout: deadline.remaining, signal: options.signal },
          (failure, cause) => unreachable(link, { failure, timeout: options.timeout, cause }),
        );
      } catch (cause) {
        if (cause instanceof AccessDeniedError) throw cause;
        // A server that refuses a heartbeat may be no broker at all.
        const error = cause instanceof ConnectionError
          ? cause
          : unreachable(link, { timeout: options.timeout, cause });
        if (deadline.passed || options.signal?.aborted || isLasting(error)) throw error;
        const gone = link.gone.signal, { signal } = options;
        const wake = signal ? AbortSignal.any([gone, signal]) : gone;
        await sleep(this.#clock, Math.min(50, deadline.remaining), wake).catch(() => {});
        if (deadline.passed) throw error;
      }
    }
  }

  /**
   * Waits until one of several brokers is linked, and then at most `grace` milliseconds for the
   * others. It goes on in the background for those.
   *
   * @throws {ConnectionError} when none of them can be had in time.
   */
  async getAny(names: readonly string[], options: WaitOptions, grace: number): Promise<void> {
    const { clock, logger, warnings } = this.#options;
    const enough = new AbortController();
    for (const name of names) this.#awaited.add(name);
    const signal = options.signal
      ? AbortSignal.any([options.signal, enough.signal])
      : enough.signal;
    const tries = names.map((name) => this.get(name, { timeout: options.timeout, signal }));
    const all = Promise.allSettled(tries);
    try {
      await Promise.any(tries);
    } catch {
      await Promise.all(tries);
    }
    const timer = clock.setTimer(() => enough.abort(new Error("others are linked")), grace);
    const late = (await all).filter((result) => result.status === "rejected");
    clock.clearTimer(timer);
    for (const name of names) this.#awaited.delete(name);
    for (const { reason } of late) {
      const { brokerName = "" } = reason as ConnectionError;
      if (lacksPermission(reason)) logger.error(describe(reason), { brokerName });
      else warnings.warn(`late ${brokerName}`, `${describe(reason)}; the client keeps trying`);
    }
  }

  /**
   * Sends a heartbeat over every link. Closes connections that missed two in a row, and those to
   * brokers that no route names any more.
   */
  async heartbeat(): Promise<void> {
    const beats = [];
    for (const link of this.#links.values()) {
      if (link.connection?.isOpen) beats.push(this.#sendHeartbeat(link, link.connection));
    }
    this.#options.pool.closeOthers(
      new Set(this.addresses()),
      "no route names this broker any more",
    );
    await Promise.all(beats);
  }

  /** Drops all links. The pool closes the connections. */
  close(): void {
    this.#closed = true;
    for (const link of this.#links.values()) link.gone.abort(new Error("the client is closed"));
    this.#links.clear();
  }

  /** Repeats attempts until the link is made or dropped. */
  async #reconnect(link: Link): Promise<void> {
    const signal = link.gone.signal;
    while (!signal.aborted && !link.connection?.isOpen) {
      try {
        await this.#establish(link);
      } catch (error) {
        if (signal.aborted) return;
        const { logger, outages } = this.#options, { brokerName, address } = link;
        if (lacksPermission(error)) {
          if (!this.#awaited.has(brokerName)) logger.error(describe(error), { brokerName });
          return;
        }
        logger.debug(describe(error), { brokerName });
        outages.failed(brokerName, address, describe(link.lastError ?? error));
        await sleep(this.#clock, RETRY_DELAY, signal).catch(() => {});
      }
    }
  }

  #establish(link: Link): Promise<Connection> {
    if (!link.establishing) {
      link.establishing = this.#register(link).finally(() => delete link.establishing);
      link.establishing.catch(() => {});
    }
    return link.establishing;
  }

  async #register(link: Link): Promise<Connection> {
    const { pool, requestTimeout, heartbeat, onRegistered, onLost } = this.#options;
    const { brokerName, address } = link;
    let connection: Connection;
    try {
      connection = await pool.get(address, { timeout: requestTimeout, signal: link.gone.signal });
    } catch (cause) {
      link.lastError = cause;
      throw unreachable(link, { timeout: requestTimeout, cause });
    }
    try {
      const response = await connection.request(heartbeat(), { timeout: requestTimeout });
      readHeartbeatResponse(response, { address, brokerName });
    } catch (error) {
      link.lastError = error;
      connection.close(`the first heartbeat failed: ${describe(error)}`);
      if (!(error instanceof ConnectionError)) throw error;
      throw unreachable(link, { timeout: requestTimeout, cause: error });
    }
    if (link.gone.signal.aborted) {
      throw unreachable(link, { timeout: requestTimeout, cause: link.gone.signal.reason });
    }
    link.connection = connection;
    link.missedHeartbeats = 0;
    delete link.lastError;
    connection.closed.then((end) => {
      if (link.connection !== connection) return;
      delete link.connection;
      link.lastError = new Error(end.reason);
      if (link.gone.signal.aborted) return;
      onLost(brokerName, address, end.reason);
      this.#reconnect(link);
    });
    onRegistered(brokerName, connection);
    return connection;
  }

  async #sendHeartbeat(link: Link, connection: Connection): Promise<void> {
    const { requestTimeout, heartbeat, warnings } = this.#options;
    const { brokerName, address } = link;
    try {
      const response = await connection.request(heartbeat(), { timeout: requestTimeout });
      readHeartbeatResponse(response, { address, brokerName });
      link.missedHeartbeats = 0;
    } catch (error) {
      if (!connection.isOpen) return;
      link.missedHeartbeats++;
      const line = `Missed heartbeat ${link.missedHeartbeats}: ${describe(error)}`;
      warnings.warn(`heartbeat ${brokerName}`, line, { brokerName, address });
      if (link.missedHeartbeats >= MAX_MISSED_HEARTBEATS) {
        connection.close(`${MAX_MISSED_HEARTBEATS} heartbeats in a row had no answer`);
      }
    }
  }
}

/** Why a wait for a link was in vain. */
interface LinkFailure {
  /** `ABORTED` if the caller aborted it. @default {"TIMEOUT"} */
  failure?: "TIMEOUT" | "ABORTED";
  /** Milliseconds that the wait was to last. */
  timeout: number;
  /** Why the attempt failed that was waited for. */
  cause?: unknown;
}

/** Makes the error for callers that wait for a link in vain, with the remedy. */
function unreachable(
  { brokerName, address, lastError }: Link,
  { failure = "TIMEOUT", timeout, cause }: LinkFailure,
): ConnectionError {
  const known = cause ?? lastError;
  const why = known === undefined ? "" : `: ${describe(known)}`;
  const reason = failure === "ABORTED"
    ? "the caller aborted it"
    : cause === undefined
    ? `no registered connection within ${Math.round(timeout)} ms${why}`
    : describe(cause);
  return new ConnectionError(
    failure === "ABORTED" ? "ABORTED" : "CONNECT_FAILED",
    `Cannot reach broker "${brokerName}" at ${address}: ${reason}` +
      (failure === "ABORTED" || isLasting(cause)
        ? ""
        : ". If the name server gave a wrong address, set brokerIP1 on the broker or addressMap here"),
    {
      address,
      brokerName,
      isRetriable: failure !== "ABORTED" && !isLasting(cause),
      ...(known === undefined ? {} : { cause: known }),
    },
  );
}

/** Unregisters each group from every linked broker, and waits for the answers. */
export async function unregister(
  links: BrokerLinks,
  { clientId, producerGroups, timeout, logger }: {
    clientId: string;
    producerGroups: readonly string[];
    timeout: number;
    logger: Logger;
  },
): Promise<void> {
  const unregistered = [];
  for (const { brokerName, connection } of links.registered()) {
    for (const producerGroup of producerGroups) {
      const request = createUnregisterClientRequest({ clientId, producerGroup });
      const { address } = connection;
      unregistered.push(
        connection.request(request, { timeout })
          .then((response) => readUnregisterClientResponse(response, { address, brokerName }))
          .catch((error) => {
            logger.debug(`Cannot unregister from broker "${brokerName}": ${describe(error)}`);
          }),
      );
    }
  }
  await Promise.all(unregistered);
}
