import type { Clock } from "../clock.ts";
import type { ConnectionError } from "../errors.ts";
import { nextOpaque, type RemotingCommand } from "../remoting/mod.ts";
import type { RequestOptions } from "./connection_types.ts";

/** Why a request ends without a response. */
export type RequestFailure = "CONNECTION_LOST" | "TIMEOUT" | "ABORTED" | "OVERLOADED";

/** What an error needs to know of the request that it is about. */
export interface RequestFacts {
  /** Its request code. */
  readonly code: number;
  /** Whether its first byte was handed to the stream. */
  readonly written: boolean;
}

/** Makes the error of a request that ends without a response. */
export type FailureFactory = (
  failure: RequestFailure,
  request: RequestFacts,
  reason: string,
  cause?: unknown,
) => ConnectionError;

interface Entry {
  readonly code: number;
  written: boolean;
  readonly resolve: (response: RemotingCommand) => void;
  readonly reject: (error: ConnectionError) => void;
  readonly cleanUp: () => void;
}

/** A request that was entered into the table. */
export interface PendingRequest {
  /** Its response. */
  readonly response: Promise<RemotingCommand>;
  /** To be called when its first byte is handed to the stream. */
  readonly markWritten: () => void;
}

/** The requests of one connection that wait for a response, by number, each with its deadline. */
export class PendingRequests {
  readonly #clock: Clock;
  readonly #makeError: FailureFactory;
  readonly #entries = new Map<number, Entry>();
  #opaque: number;

  constructor(clock: Clock, makeError: FailureFactory) {
    this.#clock = clock;
    this.#makeError = makeError;
    // A random start keeps a late answer to an earlier connection from meeting a request of this one.
    this.#opaque = Math.floor(clock.random() * 2 ** 32) | 0;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A number that no waiting request has. */
  takeOpaque(): number {
    do this.#opaque = nextOpaque(this.#opaque); while (this.#entries.has(this.#opaque));
    return this.#opaque;
  }

  /** Enters a request under a number just taken; `onUnsent` is called when it ends before its first byte was handed over. */
  add(
    opaque: number,
    code: number,
    options: RequestOptions,
    onUnsent: () => void,
  ): PendingRequest {
    const { promise, resolve, reject } = Promise.withResolvers<RemotingCommand>();
    const fail = (failure: RequestFailure, reason: string, cause?: unknown) => {
      this.#entries.delete(opaque);
      entry.cleanUp();
      if (!entry.written) onUnsent();
      reject(this.#makeError(failure, entry, reason, cause));
    };
    const timer = this.#clock.setTimer(
      () => fail("TIMEOUT", `no answer within ${Math.round(options.timeout)} ms`),
      options.timeout,
    );
    const signal = options.signal;
    const onAbort = () => fail("ABORTED", "the caller aborted it", signal!.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    const entry: Entry = {
      code,
      written: false,
      resolve,
      reject,
      cleanUp: () => {
        this.#clock.clearTimer(timer);
        signal?.removeEventListener("abort", onAbort);
      },
    };
    this.#entries.set(opaque, entry);
    return { response: promise, markWritten: () => entry.written = true };
  }

  /** Gives a response to the request that waits for it; false when none does. */
  settle(response: RemotingCommand): boolean {
    const entry = this.#entries.get(response.opaque);
    if (!entry) return false;
    this.#entries.delete(response.opaque);
    entry.cleanUp();
    entry.resolve(response);
    return true;
  }

  /** Fails everything that waits. */
  failAll(reason: string, cause?: unknown): void {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const entry of entries) {
      entry.cleanUp();
      entry.reject(this.#makeError("CONNECTION_LOST", entry, reason, cause));
    }
  }
}
