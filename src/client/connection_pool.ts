import { Backoff } from "../backoff.ts";
import { type Clock, sleep, type WaitOptions, within } from "../clock.ts";
import { ConnectionError, describe } from "../errors.ts";
import { parseAddress } from "../route/mod.ts";
import {
  connect,
  type Connection,
  type ConnectionOptions,
  type WireDialer,
} from "../transport/mod.ts";

/** The settings of a pool. */
interface ConnectionPoolOptions extends Omit<ConnectionOptions, "address"> {
  /** Opens transports. */
  dialer: WireDialer;
  clock: Clock;
  /** Milliseconds for one dial. */
  connectTimeout: number;
  /** When addresses were dialled, also by earlier pools. @default an empty one */
  dials?: DialRateLimit;
}

interface Slot {
  /** Aborts when nobody wants the address any more. */
  readonly dropped: AbortController;
  connection?: Connection;
  dialling?: Promise<Connection>;
  /** Pauses between dials, until a connection is stable. */
  backoff?: Backoff;
  nextDialAt: number;
  lastError?: unknown;
}

/** Bounds of the pauses between two dials of an address, in milliseconds. */
const MIN_BACKOFF = 400;
const MAX_BACKOFF = 5_000;

/** A connection that ended sooner than this counts as a failed dial. */
const STABLE_AFTER = 5_000;

/**
 * Keeps one connection for each address. Never more than one dial of an address is under way, and
 * dials that fail are spaced out. So neither a dead server nor one that closes immediately is flooded.
 */
export class ConnectionPool {
  readonly #options: ConnectionPoolOptions;
  readonly #clock: Clock;
  readonly #dials: DialRateLimit;
  readonly #slots = new Map<string, Slot>();
  readonly #closing = new AbortController();

  constructor(options: ConnectionPoolOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#dials = options.dials ?? new DialRateLimit();
  }

  /** Connections that are open. */
  get size(): number {
    let open = 0;
    for (const slot of this.#slots.values()) if (slot.connection?.isOpen) open++;
    return open;
  }

  /**
   * Returns the connection to an address. Dials it if there is none.
   *
   * @throws {ConnectionError} when none can be had in time. Nothing was written then.
   */
  get(address: string, options: WaitOptions): Promise<Connection> {
    const slot = this.#slot(address);
    if (slot.connection?.isOpen) return Promise.resolve(slot.connection);
    if (!slot.dialling) {
      slot.dialling = this.#dial(address, slot).finally(() => delete slot.dialling);
      slot.dialling.catch(() => {});
    }
    return within(this.#clock, slot.dialling, options, (failure, cause) => {
      const last = slot.lastError === undefined ? "" : `: ${reasonIn(slot.lastError, address)}`;
      return failure === "ABORTED"
        ? new ConnectionError("ABORTED", `Cannot connect to ${address}: the caller aborted it`, {
          address,
          cause,
        })
        : new ConnectionError(
          "CONNECT_FAILED",
          `Cannot connect to ${address}: no connection within ${
            Math.round(options.timeout)
          } ms${last}`,
          { address, isRetriable: !isLasting(slot.lastError), cause: slot.lastError },
        );
    });
  }

  /** Ends idle connections to all other addresses, and forgets these addresses. */
  closeOthers(addresses: ReadonlySet<string>, reason: string): void {
    for (const [address, { connection, dialling }] of this.#slots) {
      if (addresses.has(address) || dialling) continue;
      if (connection && connection.stats().inFlight > 0) continue;
      connection?.close(reason);
      this.#slots.delete(address);
    }
  }

  /** Ends the connection to an address, or its dial, immediately: also if requests wait on it. */
  drop(address: string, reason: string): void {
    const slot = this.#slots.get(address);
    this.#slots.delete(address);
    slot?.dropped.abort(new Error(reason));
    slot?.connection?.close(reason);
  }

  /** Ends all connections and dials. Nothing can be dialled any more. */
  close(reason: string): void {
    this.#closing.abort(new Error(reason));
    for (const slot of this.#slots.values()) slot.connection?.close(reason);
    this.#slots.clear();
  }

  #slot(address: string): Slot {
    let slot = this.#slots.get(address);
    if (!slot) {
      slot = { dropped: new AbortController(), nextDialAt: 0 };
      if (!this.#closing.signal.aborted) this.#slots.set(address, slot);
    }
    return slot;
  }

  async #dial(address: string, slot: Slot): Promise<Connection> {
    const signal = AbortSignal.any([this.#closing.signal, slot.dropped.signal]);
    try {
      if (signal.aborted) throw signal.reason;
      await this.#awaitTurn(address, slot, signal);
      const { connectTimeout, dials: _dials, ...options } = this.#options;
      const { host, port } = parseAddress(address);
      const connection = await connect({
        ...options,
        host,
        port,
        address,
        timeout: connectTimeout,
        signal,
      });
      if (signal.aborted) {
        connection.close();
        throw signal.reason;
      }
      this.#adopt(slot, connection);
      return connection;
    } catch (cause) {
      const error = signal.aborted && !(cause instanceof ConnectionError)
        ? notWanted(address, describe(cause))
        : cause;
      slot.lastError = error;
      this.#delayNextDial(slot);
      throw error;
    }
  }

  /** Waits until the address may be dialled again, and counts the dial. */
  async #awaitTurn(address: string, slot: Slot, signal: AbortSignal): Promise<void> {
    const turn = this.#dials.nextAllowedAt(address);
    const wait = Math.max(slot.nextDialAt, turn) - this.#clock.monotonic();
    if (wait > 0) {
      slot.lastError ??= new Error("it was dialled too often within a minute");
      await sleep(this.#clock, wait, signal);
    }
    this.#dials.record(address, this.#clock.monotonic());
  }

  #adopt(slot: Slot, connection: Connection): void {
    const openedAt = this.#clock.monotonic();
    slot.connection = connection;
    delete slot.lastError;
    connection.closed.then((end) => {
      if (slot.connection !== connection) return;
      delete slot.connection;
      slot.lastError = new Error(end.reason);
      if (this.#clock.monotonic() - openedAt >= STABLE_AFTER) delete slot.backoff;
      else this.#delayNextDial(slot);
    });
  }

  #delayNextDial(slot: Slot): void {
    slot.backoff ??= new Backoff(this.#clock, MIN_BACKOFF, MAX_BACKOFF);
    slot.nextDialAt = this.#clock.monotonic() + slot.backoff.next();
  }
}

/** Returns why a dial of an address failed, without what it was that failed. */
function reasonIn(error: unknown, address: string): string {
  const text = describe(error), prefix = `Cannot connect to ${address}: `;
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

/** Reports whether a dial failed in a way that lasts until a person has changed something. */
export function isLasting(error: unknown): boolean {
  return error instanceof ConnectionError && error.code === "CONNECT_FAILED" && !error.isRetriable;
}

/** Makes the error for callers that wait for a connection when its pool or address is dropped. */
function notWanted(address: string, reason: string): ConnectionError {
  return new ConnectionError("CONNECT_FAILED", `Cannot connect to ${address}: ${reason}`, {
    address,
  });
}

/** Most dials of one address in any minute, also if its connections come and go. */
const DIALS_PER_MINUTE = 30;

/** Milliseconds of a minute. */
const MINUTE = 60_000;

/** Number of addresses from which those without a dial for a minute are forgotten. */
const MANY_ADDRESSES = 256;

/**
 * Limits how often an address is dialled. It outlives the connections of a client: an application that
 * calls `start()` again and again while a cluster is away dials no more often than others.
 */
export class DialRateLimit {
  readonly #dialledAt = new Map<string, number[]>();

  /** Returns when an address may be dialled again, in monotonic milliseconds. */
  nextAllowedAt(address: string): number {
    const dialledAt = this.#dialledAt.get(address);
    return dialledAt && dialledAt.length >= DIALS_PER_MINUTE ? dialledAt[0]! + MINUTE : 0;
  }

  /** Records that an address is dialled now. */
  record(address: string, now: number): void {
    let dialledAt = this.#dialledAt.get(address);
    if (!dialledAt) {
      if (this.#dialledAt.size >= MANY_ADDRESSES) this.#forget(now - MINUTE);
      this.#dialledAt.set(address, dialledAt = []);
    }
    dialledAt.push(now);
    if (dialledAt.length > DIALS_PER_MINUTE) dialledAt.shift();
  }

  #forget(before: number): void {
    for (const [address, dialledAt] of this.#dialledAt) {
      if (dialledAt.at(-1)! < before) this.#dialledAt.delete(address);
    }
  }
}
