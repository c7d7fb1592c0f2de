import type { CheckRequest } from "../client/mod.ts";
import type { Clock, TimerHandle } from "../clock.ts";
import { describe, InvalidStateError, MessageDecodeError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { openStoredMessage, type StoredMessage } from "../message/mod.ts";
import { type CheckBack, OpenCheck } from "./check_back.ts";
import type { EndTransactions } from "./end_transaction.ts";
import { checkTimesOf, type HalfMessage, transactionIdOf } from "./half_message.ts";
import type { LiveTransaction, TransactionBook } from "./live.ts";
import type { TransactionInstrumentation } from "./observe.ts";
import type { CheckHandling } from "./events.ts";
import type { Report } from "./report.ts";
import {
  type CheckListener,
  type EndTransactionOutcome,
  isLocalTransactionState,
  type LocalTransactionState,
  notAState,
} from "./states.ts";

/** A timer may run so many milliseconds before its time. */
const TIMER_SLACK_MS = 1;

export interface CheckBacksOptions {
  clock: Clock;
  logger: Logger;
  /** Milliseconds within which a check-back must be answered. */
  checkTimeout: number;
  /** Most check-backs that wait for the listener. */
  checkRequestHoldMax: number;
  /** Most check-backs that are answered at the same time, where a loop takes them without waiting. */
  checkConcurrency: number;
  /** Most bytes of their messages, of those that are being answered, too. */
  checkRequestHoldBytes: number;
  /** Largest body that one may decompress to, in bytes. */
  maxMessageSize: number;
  book: TransactionBook;
  ends: EndTransactions;
  report: Report;
  instrumentation: TransactionInstrumentation;
  /** Aborts when the producer waits no longer. */
  timeUp: AbortSignal;
}

/** A check-back that waits for an answer. Later ones of its transaction join it. */
interface PendingCheck {
  readonly live: LiveTransaction;
  /** The half message as the broker sent it. */
  readonly message: StoredMessage;
  readonly brokerName: string;
  readonly size: number;
  /** When its time is over, in monotonic milliseconds; undefined before a listener has it. */
  endsAt?: number;
  check?: OpenCheck;
}

/**
 * The check-backs of the brokers, on their way from the socket to the listener: a bounded queue with
 * one consumer at a time. It holds each transaction once.
 */
export class CheckBacks implements AsyncIterable<CheckBack> {
  readonly #options: CheckBacksOptions;
  readonly #waiting = new Set<PendingCheck>();
  /** In the order in which their time began, which is as long for each of them. */
  readonly #running = new Set<PendingCheck>();
  readonly #wakeConsumer: (() => void)[] = [];
  readonly #wakeOnRelease: (() => void)[] = [];
  #bytes = 0;
  #timer: TimerHandle | undefined;
  #consumed = false;
  #ended = false;

  constructor(options: CheckBacksOptions) {
    this.#options = options;
    const { timeUp } = options;
    timeUp.addEventListener("abort", () => this.#abort(timeUp.reason as Error), { once: true });
  }

  /** Whether check-backs are still taken in. */
  get isOpen(): boolean {
    return !this.#ended;
  }

  /** Whether something takes check-backs. */
  get hasConsumer(): boolean {
    return this.#consumed;
  }

  /** Check-backs that nobody has taken yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Check-backs that were taken and are not answered yet. */
  get running(): number {
    return this.#running.size;
  }

  /** Takes a check-back of a broker. Returns immediately. */
  take({ header, message, connection, brokerName }: CheckRequest): void {
    const transactionId = transactionIdOf(header, message), checkTimes = checkTimesOf(message);
    const half: HalfMessage = {
      brokerName,
      connection,
      tranStateTableOffset: header.tranStateTableOffset,
      commitLogOffset: header.commitLogOffset,
      fromCheck: true,
      checkTimes,
    };
    const { report, instrumentation } = this.#options, { topic } = message;
    const handling = this.#route(transactionId, half, message);
    instrumentation.checkBack(topic, handling);
    report.checkBack({ transactionId, topic, brokerName }, checkTimes, handling);
    if (handling === "dropped") {
      if (this.isOpen) report.checkDropped(this.waiting);
    } else if (handling === "asked" && this.isOpen && !this.#consumed) report.noConsumer();
  }

  /** Waits until fewer than `count` check-backs are being answered. */
  async whenBelow(count: number): Promise<void> {
    while (this.#running.size >= count) {
      await new Promise<void>((resolve) => this.#wakeOnRelease.push(resolve));
    }
  }

  /** Takes no more in. The consumer gets what waits, and then the end. */
  end(): void {
    this.#ended = true;
    if (!this.#consumed) this.#forgetWaiting();
    wakeAll(this.#wakeConsumer);
  }

  /** After {@linkcode CheckBacks.end}: waits until everything that was taken in is answered. */
  async drained(): Promise<void> {
    while (this.#waiting.size > 0 || this.#running.size > 0) {
      await new Promise<void>((resolve) => this.#wakeOnRelease.push(resolve));
    }
  }

  /** @throws {InvalidStateError} while another consumer iterates. */
  [Symbol.asyncIterator](): AsyncIterableIterator<CheckBack> {
    if (this.#consumed) {
      throw new InvalidStateError(
        "Cannot iterate over the check-backs: something iterates over them already, " +
          "a listener with checkLocalTransaction or another loop",
      );
    }
    this.#consumed = true;
    let left = false;
    const iterator: AsyncIterableIterator<CheckBack> = {
      next: async () => {
        while (!left) {
          const check = await this.#next();
          if (check) return { value: check, done: false };
          if (this.#ended && this.#waiting.size === 0) break;
        }
        return await iterator.return!();
      },
      return: () => {
        if (!left) this.#consumed = false;
        left = true;
        if (this.#ended) this.#forgetWaiting();
        wakeAll(this.#wakeConsumer);
        return Promise.resolve({ value: undefined, done: true });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  #route(transactionId: string, half: HalfMessage, message: StoredMessage): CheckHandling {
    const { book, ends, report, instrumentation } = this.#options;
    const live = book.find(transactionId);
    if (live) {
      const handling = live.checked(half);
      if (handling === "stillRunning") {
        if (live.becomesSlow()) report.slow(live, half);
        report.lastChecks(live, half);
        ends.leaveOpen(live, half);
      } else if (handling === "repeated") ends.endAlso(live, half);
      return handling;
    }
    const verdict = book.trouble(transactionId)?.verdict;
    if (verdict === undefined && !this.#hasRoomFor(message)) {
      if (this.isOpen) report.lastChecks({ transactionId, topic: message.topic }, half);
      return "dropped";
    }
    const entered = book.check(transactionId, message.topic);
    entered.traceFacts = instrumentation.traceFactsOf(message.properties);
    entered.checked(half);
    if (verdict !== undefined) {
      ends.end(entered, verdict);
      return "repeated";
    }
    const size = message.body.length;
    this.#bytes += size;
    this.#waiting.add({ live: entered, message, brokerName: half.brokerName, size });
    wakeAll(this.#wakeConsumer);
    return "asked";
  }

  #hasRoomFor({ body }: StoredMessage): boolean {
    const { checkRequestHoldMax, checkConcurrency, checkRequestHoldBytes } = this.#options;
    const held = this.#waiting.size + this.#running.size;
    return !this.#ended && this.#waiting.size < checkRequestHoldMax &&
      held < checkRequestHoldMax + checkConcurrency &&
      (held === 0 || this.#bytes + body.length <= checkRequestHoldBytes);
  }

  /** The next check-back that can be read, or undefined when the consumer should look again. */
  async #next(): Promise<CheckBack | undefined> {
    for (const pending of this.#waiting) {
      this.#waiting.delete(pending);
      this.#running.add(pending);
      return await this.#open(pending);
    }
    if (this.#ended) return undefined;
    await new Promise<void>((resolve) => this.#wakeConsumer.push(resolve));
    return undefined;
  }

  /** Makes of a pending check-back what a listener gets, and begins its time. */
  async #open(pending: PendingCheck): Promise<CheckBack | undefined> {
    const { live, brokerName } = pending;
    const { clock, checkTimeout, instrumentation, maxMessageSize, timeUp } = this.#options;
    try {
      const message = await openStoredMessage(pending.message, { maxBodySize: maxMessageSize });
      if (!message.bodyCrcValid) {
        throw new MessageDecodeError("Cannot decode message: the checksum of its body is wrong");
      }
      timeUp.throwIfAborted();
      message.brokerName = brokerName;
      const { transactionId, localTransactionRan } = live;
      const checkTimes = checkTimesOf(message);
      const context = { transactionId, checkTimes, localTransactionRan, brokerName };
      const check = new OpenCheck(message, context, {
        answer: (check, state, cause) => this.#answer(pending, check, state, cause),
        onLate: (state) => this.#takeLate(live, brokerName, state),
      });
      pending.check = check;
      pending.endsAt = clock.monotonic() + checkTimeout;
      if (this.#timer === undefined) this.#setTimer(checkTimeout);
      instrumentation.checkBegins(check, live);
      return check;
    } catch (cause) {
      // Nothing is decided on damaged data.
      this.#leaveOpen(pending, cause);
      return undefined;
    }
  }

  async #answer(
    pending: PendingCheck,
    check: OpenCheck,
    state: LocalTransactionState,
    cause: unknown,
  ): Promise<EndTransactionOutcome> {
    const { clock, checkTimeout, ends, report, instrumentation } = this.#options;
    const { live, endsAt = 0 } = pending;
    instrumentation.checkEnds(check, state, cause);
    report.checkAnswered();
    live.answered(clock.monotonic() + checkTimeout - endsAt);
    if (state === "UNKNOWN") return await this.#leaveOpen(pending, cause);
    if (cause !== undefined) report.checkFailed(live, pending.brokerName, cause);
    this.#release(pending);
    return (await ends.end(live, state)).outcome;
  }

  /**
   * Tells each broker *unknown*. One that is about to discard the message is asked for it before: it
   * may be visible, and this half message a surplus one.
   */
  async #leaveOpen(pending: PendingCheck, cause: unknown): Promise<EndTransactionOutcome> {
    const { book, ends, report } = this.#options, { live } = pending;
    if (cause !== undefined) report.checkFailed(live, pending.brokerName, cause);
    this.#release(pending);
    book.leave(live);
    await Promise.all(
      live.checkedOn().map(async ({ newest, others }) => {
        const last = [...others, newest].filter((half) => report.isLastCheck(half));
        const areDropped = last.length > 0 && await ends.dropIfVisible(live, last);
        for (const half of areDropped ? [] : last) report.lastChecks(live, half);
        if (areDropped && last.includes(newest)) return;
        await ends.leaveOpen(live, newest, cause);
      }),
    );
    return "sent";
  }

  #release(pending: PendingCheck): void {
    this.#bytes -= pending.size;
    this.#running.delete(pending);
    if (this.#running.size === 0 && this.#timer !== undefined) {
      this.#options.clock.clearTimer(this.#timer);
      this.#timer = undefined;
    }
    wakeAll(this.#wakeOnRelease);
  }

  /** Reports an answer that came too late and contradicts what was sent as the answer to another. */
  #takeLate(
    { transactionId, topic }: LiveTransaction,
    brokerName: string,
    state: LocalTransactionState,
  ): void {
    const { book, report } = this.#options;
    const { verdict } = book.find(transactionId) ?? book.trouble(transactionId) ?? {};
    if (verdict === undefined || state === "UNKNOWN" || state === verdict) return;
    report.contradiction({ transactionId, topic, brokerName }, verdict, state);
  }

  #setTimer(delay: number): void {
    this.#timer = this.#options.clock.setTimer(() => this.#expireThoseDue(), delay);
  }

  #expireThoseDue(): void {
    this.#timer = undefined;
    const { clock, checkTimeout } = this.#options, now = clock.monotonic();
    const due: PendingCheck[] = [];
    for (const pending of this.#running) {
      if (pending.endsAt === undefined) continue;
      const remaining = pending.endsAt - now;
      if (remaining >= TIMER_SLACK_MS) {
        this.#setTimer(remaining);
        break;
      }
      due.push(pending);
    }
    this.#expire(due, new Error(`the listener gave no answer within ${checkTimeout} ms`));
  }

  #expire(pending: readonly PendingCheck[], reason: Error): void {
    // The end of one may be what answers another.
    for (const { check } of pending) if (check && !check.isAnswered) check.expire(reason);
  }

  #abort(reason: Error): void {
    this.#expire([...this.#running], reason);
    this.#forgetWaiting();
    wakeAll(this.#wakeOnRelease);
  }

  #forgetWaiting(): void {
    for (const { live, size } of this.#waiting) {
      this.#bytes -= size;
      this.#options.book.leave(live);
    }
    this.#waiting.clear();
    wakeAll(this.#wakeConsumer);
    wakeAll(this.#wakeOnRelease);
  }
}

/**
 * Drives the check-backs into a listener, at most `concurrency` at a time, until they end. A
 * check-back whose time is over gives its place to another, whether the listener ends or not.
 */
export async function pumpCheckBacks(
  checks: CheckBacks,
  listener: CheckListener,
  concurrency: number,
  { logger, report }: { logger: Logger; report: Report },
): Promise<void> {
  for await (const check of checks) {
    callListener(check, listener).catch((error) => {
      if (error instanceof InvalidStateError) {
        logger.debug(`Ignored an answer that came after checkTimeout: ${describe(error)}`);
      } else report.answerFailed(error);
    });
    await checks.whenBelow(concurrency);
  }
}

async function callListener(check: CheckBack, listener: CheckListener): Promise<void> {
  let state: unknown, cause: unknown;
  try {
    state = await listener(check.message, check);
    if (!isLocalTransactionState(state)) {
      cause = new TypeError(`Cannot use what checkLocalTransaction returned: ${notAState(state)}`);
    }
  } catch (error) {
    cause = error ?? new Error("the listener threw nothing");
  }
  await check.answer(
    cause === undefined && isLocalTransactionState(state) ? state : "UNKNOWN",
    cause,
  );
}

function wakeAll(waiting: (() => void)[]): void {
  for (const wake of waiting.splice(0)) wake();
}
