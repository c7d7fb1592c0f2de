import type { Clock, TimerHandle } from "../clock.ts";
import type { ConnectionError } from "../errors.ts";
import { nextOpaque, type RemotingCommand } from "../remoting/internal.ts";
import type { RequestOptions } from "./connection_types.ts";
import type { QueuedFrame } from "./write_queue.ts";

/** The reasons why a request ends without a response. */
export type RequestFailure = "CONNECTION_LOST" | "TIMEOUT" | "ABORTED" | "OVERLOADED";

/** The facts of a request for an error about it. */
export interface RequestFacts {
  /** Its request code. */
  readonly code: number;
  /** `true` if its first byte was handed to the stream. */
  readonly written: boolean;
}

/** The settings of the table. */
interface PendingRequestsOptions {
  clock: Clock;
  /** Makes the error of a request that ends without a response. */
  makeError: (
    failure: RequestFailure,
    request: RequestFacts,
    reason: string,
    cause?: unknown,
  ) => ConnectionError;
  /** Called for a request whose response did not come in time. */
  onMissed: (request: PendingRequest) => void;
  /** Counts the reads that brought something. */
  readCount: () => number;
}

/** Milliseconds that a timer may run early. */
const TIMER_SLACK = 1;

/**
 * Milliseconds that a timer may run late before this program counts as busy. A busy program has not read
 * what came meanwhile, so the answers may be there.
 */
export const BUSY_AFTER = 20;

/** Milliseconds for reading what came while this program was busy. */
const READ_PAUSE = 50;

/** Most such pauses in a row: a peer that always sends something must not keep a request waiting. */
const MAX_READ_PAUSES = 10;

/** The facts of a new request. */
interface NewRequest {
  readonly opaque: number;
  /** Its request code. */
  readonly code: number;
  /** `false` if it is one-way. */
  readonly isAnswered: boolean;
  /** Reads that had brought something when it was made. */
  readonly readCount: number;
}

/** A request under way: one that waits for its response, or a one-way one that is being written. */
class PendingRequest implements QueuedFrame, NewRequest {
  readonly opaque: number;
  readonly code: number;
  readonly isAnswered: boolean;
  readonly readCount: number;
  /** Milliseconds that it may take. */
  readonly timeout: number;
  /** End of that time, in monotonic milliseconds. */
  readonly deadline: number;
  /** Resolves with the response. For a one-way request it resolves with nothing when that is written. */
  readonly end: Promise<RemotingCommand | undefined>;
  written = false;
  cancelled = false;
  size = 0;
  onWritten: (() => void) | undefined;
  /** Stops listening to its signal. */
  ignoreSignal: (() => void) | undefined;
  #resolve!: (response: RemotingCommand | undefined) => void;
  #reject!: (error: unknown) => void;

  constructor({ opaque, code, isAnswered, readCount }: NewRequest, timeout: number, now: number) {
    this.opaque = opaque;
    this.code = code;
    this.isAnswered = isAnswered;
    this.readCount = readCount;
    this.timeout = timeout;
    this.deadline = now + timeout;
    this.end = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  succeed(response?: RemotingCommand): void {
    this.ignoreSignal?.();
    this.#resolve(response);
  }

  fail(error: unknown): void {
    this.ignoreSignal?.();
    this.#reject(error);
  }
}

/**
 * Keeps the requests of one connection that are under way, by number, each with its deadline. They share
 * one timer, which is set for the first deadline and fails what is due. It is kept when the table
 * empties: setting a timer is the most expensive step of a request.
 */
export class PendingRequests {
  readonly #options: PendingRequestsOptions;
  readonly #requests = new RequestSlots<PendingRequest>();
  #awaited = 0;
  readonly #firstOpaque: number;
  #opaque: number;
  #lateExpected = 0;
  #timer: TimerHandle | undefined;
  #timerAt = Infinity;
  #readPauses = 0;
  #readBefore = 0;

  constructor(options: PendingRequestsOptions) {
    this.#options = options;
    // A random start keeps a late answer to an earlier connection from meeting a request of this one.
    this.#opaque = Math.floor(options.clock.random() * 2 ** 32) | 0;
    this.#firstOpaque = this.#opaque;
  }

  /** Returns the number of requests that wait for a response. */
  get size(): number {
    return this.#awaited;
  }

  /** Returns a number that no request under way has. */
  takeOpaque(): number {
    do this.#opaque = nextOpaque(this.#opaque); while (!this.#requests.isFree(this.#opaque));
    return this.#opaque;
  }

  /** Makes a request under a number just taken. It is not under way before it is entered. */
  create(
    facts: NewRequest,
    { timeout, signal, now = this.#options.clock.monotonic() }: RequestOptions,
  ): PendingRequest {
    const request = new PendingRequest(facts, timeout, now);
    if (signal) {
      const onAbort = () => this.#fail(request, "ABORTED", "the caller aborted it", signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      request.ignoreSignal = () => signal.removeEventListener("abort", onAbort);
    }
    if (!request.isAnswered) {
      request.onWritten = () => {
        if (this.#remove(request)) request.succeed();
      };
    }
    return request;
  }

  /** Enters a request. From now on it has a deadline and may be answered. */
  enter(request: PendingRequest): void {
    this.#requests.add(request);
    if (request.isAnswered) this.#awaited++;
    else this.#lateExpected++;
    if (request.deadline < this.#timerAt) this.#setTimer(request.deadline, request.timeout);
  }

  /** Counts a one-way request that is not entered. */
  countOneway(): void {
    this.#lateExpected++;
  }

  /**
   * Passes a response to the request that waits for it. A response is late if its request was made here
   * and does not wait any more: it timed out, was aborted, or is one-way. A broker answers even one-way
   * requests that it throws out of its queue. At most as many responses are late as requests were
   * abandoned. All others are unmatched.
   */
  settle(response: RemotingCommand): "settled" | "late" | "unmatched" {
    const request = this.#requests.get(response.opaque);
    if (request?.isAnswered) {
      this.#remove(request);
      request.succeed(response);
      return "settled";
    }
    if (this.#lateExpected === 0 || !this.#wasIssued(response.opaque)) return "unmatched";
    this.#lateExpected--;
    return "late";
  }

  #wasIssued(opaque: number): boolean {
    const place = (opaque - this.#firstOpaque) >>> 0;
    return place > 0 && place <= (this.#opaque - this.#firstOpaque) >>> 0;
  }

  /** Fails everything that is under way. Nothing may be entered afterwards. */
  failAll(reason: string, cause?: unknown): void {
    this.#clearTimer();
    for (const request of this.#requests.after(this.#opaque)) {
      this.#fail(request, "CONNECTION_LOST", reason, cause);
    }
  }

  #remove(request: PendingRequest): boolean {
    if (!this.#requests.delete(request)) return false;
    if (request.isAnswered) this.#awaited--;
    return true;
  }

  #fail(request: PendingRequest, failure: RequestFailure, reason: string, cause?: unknown): void {
    if (!this.#remove(request)) return;
    if (!request.written) request.cancelled = true;
    else if (request.isAnswered) this.#lateExpected++;
    request.fail(this.#options.makeError(failure, request, reason, cause));
  }

  /** Counts a pause if answers may have come that this program was too busy to read. Returns whether it did. */
  #pauseForUnread(isBusy: boolean): boolean {
    const read = this.#options.readCount();
    const isReading = this.#readPauses > 0 && read !== this.#readBefore;
    const mayBe = (isBusy || isReading) && this.#readPauses < MAX_READ_PAUSES;
    this.#readPauses = mayBe ? this.#readPauses + 1 : 0;
    this.#readBefore = read;
    return mayBe;
  }

  #setTimer(at: number, delay: number): void {
    this.#clearTimer();
    this.#timerAt = at;
    this.#timer = this.#options.clock.setTimer(() => this.#expire(), delay);
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  #expire(): void {
    const now = this.#options.clock.monotonic();
    const isBusy = now - this.#timerAt > BUSY_AFTER;
    this.#timer = undefined;
    this.#timerAt = Infinity;
    if (this.#pauseForUnread(isBusy)) return this.#setTimer(now + READ_PAUSE, READ_PAUSE);
    let next = Infinity;
    const due: PendingRequest[] = [];
    for (const request of this.#requests.after(this.#opaque)) {
      if (request.deadline - now < TIMER_SLACK) due.push(request);
      else if (request.deadline < next) next = request.deadline;
    }
    if (next < Infinity) this.#setTimer(next, next - now);
    for (const request of due) {
      const wait = `${Math.round(request.timeout)} ms`;
      const reason = request.isAnswered
        ? `no answer within ${wait}`
        : `the peer did not take it within ${wait}`;
      this.#fail(request, "TIMEOUT", reason);
      if (request.isAnswered) this.#options.onMissed(request);
    }
  }
}

/** Slots at first: a power of two. */
const FIRST_SIZE = 64;

/** More slots than these are not kept once they are all empty. */
const KEPT_SIZE = 4_096;

/**
 * Keeps what is under way by its number. Numbers are given out one after another, so the low bits of
 * each name its own slot. A `Map` rehashes while entries come and go, and its old tables keep
 * finished requests alive until the next major collection.
 */
export class RequestSlots<T extends { readonly opaque: number }> {
  #slots = emptySlots<T>(FIRST_SIZE);
  #size = 0;

  /** Returns the number of items. */
  get size(): number {
    return this.#size;
  }

  /** Reports whether a number can be used: its slot is empty. */
  isFree(opaque: number): boolean {
    return this.#slots[opaque & (this.#slots.length - 1)] === undefined;
  }

  /** Returns the one with this number. */
  get(opaque: number): T | undefined {
    const found = this.#slots[opaque & (this.#slots.length - 1)];
    return found?.opaque === opaque ? found : undefined;
  }

  /** Puts one into its slot, which must be free. At least half of the slots stay empty. */
  add(item: T): void {
    if (++this.#size * 2 > this.#slots.length) this.#grow();
    this.#slots[item.opaque & (this.#slots.length - 1)] = item;
  }

  /** Takes one out. Returns `false` if it is not there. */
  delete(item: T): boolean {
    if (this.get(item.opaque) !== item) return false;
    this.#slots[item.opaque & (this.#slots.length - 1)] = undefined;
    if (--this.#size === 0 && this.#slots.length > KEPT_SIZE) this.#slots = emptySlots(FIRST_SIZE);
    return true;
  }

  /** Returns all items, the oldest first: their numbers follow `opaque`. */
  after(opaque: number): T[] {
    const start = (opaque + 1) & (this.#slots.length - 1);
    const ring = [...this.#slots.slice(start), ...this.#slots.slice(0, start)];
    return ring.filter((item) => item !== undefined);
  }

  /** Doubles the slots. Numbers that had different slots have different ones again. */
  #grow(): void {
    const slots = emptySlots<T>(this.#slots.length * 2);
    for (const item of this.#slots) {
      if (item) slots[item.opaque & (slots.length - 1)] = item;
    }
    this.#slots = slots;
  }
}

function emptySlots<T>(size: number): (T | undefined)[] {
  return new Array<T | undefined>(size).fill(undefined);
}

/** Passes on how a request ended, and notifies those that observe it. */
export async function notifySettled<T extends RemotingCommand | void>(
  end: Promise<T>,
  onSettled: (end: RemotingCommand | Error | undefined) => void,
): Promise<T> {
  try {
    const response = await end;
    onSettled(response ?? undefined);
    return response;
  } catch (error) {
    onSettled(error as Error);
    throw error;
  }
}
