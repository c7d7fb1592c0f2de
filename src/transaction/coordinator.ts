import type { CheckRequest, ClientInstance } from "../client/mod.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../logger.ts";
import type { SendReceipt } from "../producer/mod.ts";
import type { CheckBack } from "./check_back.ts";
import { CheckDeadlines } from "./check_deadlines.ts";
import { checkTimesOf, openCheck, transactionIdOf } from "./check_opener.ts";
import { CheckQueue, type IncomingCheck, type PendingCheck } from "./check_queue.ts";
import { CheckWarnings } from "./check_warnings.ts";
import type { EndTransactionOutcome, EndTransactionResult } from "./end_transaction.ts";
import { type HalfMessageHandle, halfMessageOf } from "./half_message.ts";
import type { TransactionJournal } from "./journal.ts";
import type { LocalTransactionState } from "./local_transaction_state.ts";
import type { CheckHandling } from "./transaction_events.ts";
import type { TransactionSettings } from "./transaction_options.ts";
import { type TransactionRecord, TransactionTable } from "./transaction_table.ts";
import { Verdicts } from "./verdicts.ts";

/** The settings of a coordinator. */
export interface CoordinatorOptions extends TransactionSettings {
  /** Time. */
  clock: Clock;
  /** Log. */
  logger: Logger;
  /** The producer group. */
  producerGroup: string;
  /** Largest body that a check-back may decompress to, in bytes. */
  maxMessageSize: number;
  /** Where it is told what happens. */
  journal: TransactionJournal;
}

/**
 * Where the two ways of a transaction meet: the one from the half message to its verdict, and the
 * check-backs of the broker. It is the only place where a verdict is decided on, so that there is
 * one for each transaction, given on the newest handle of each broker that asks, and none while the
 * local transaction still runs.
 */
export class TransactionCoordinator {
  /** The check-backs that the listener is to be asked about. */
  readonly checks: CheckQueue;

  readonly #options: CoordinatorOptions;
  readonly #journal: TransactionJournal;
  readonly #warnings: CheckWarnings;
  readonly #table = new TransactionTable();
  readonly #timeUp = new AbortController();
  readonly #deadlines: CheckDeadlines;
  readonly #verdicts: Verdicts;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#journal = options.journal;
    const timeUp = this.#timeUp.signal;
    this.#deadlines = new CheckDeadlines(options.clock, options.checkTimeout, timeUp);
    this.#verdicts = new Verdicts({ ...options, table: this.#table, timeUp });
    this.#warnings = new CheckWarnings(options);
    this.checks = new CheckQueue(
      options.checkRequestHoldMax,
      (pending) => this.#openCheck(pending),
    );
  }

  /** Takes the client that verdicts go through. */
  attach(client: ClientInstance): void {
    this.#verdicts.attach(client);
  }

  /** A half message is about to be sent. */
  begin(transactionId: string, topic: string): TransactionRecord {
    const record: TransactionRecord = {
      transactionId,
      topic,
      phase: "sending",
      localTransactionRan: false,
      halfMessages: [],
    };
    this.#table.activate(record);
    return record;
  }

  /**
   * The half message was stored. A handle that a check-back brought meanwhile is newer. Gives the
   * present, in monotonic milliseconds.
   */
  stored(record: TransactionRecord, receipt: SendReceipt): number {
    const receivedAt = this.#options.clock.monotonic();
    const { brokerName } = receipt.messageQueue;
    const immunity = receipt.checkImmunity;
    if (immunity !== undefined) {
      const interval = this.#verdicts.timing.intervalOf(brokerName);
      this.#warnings.immune(record, brokerName, immunity, interval);
    }
    record.newest ??= halfMessageOf(record, {
      brokerName,
      connection: receipt.brokerConnection,
      tranStateTableOffset: receipt.queueOffset,
      commitLogOffset: receipt.commitLogOffset,
      fromCheck: false,
      checkTimes: 0,
      receivedAt,
    });
    return receivedAt;
  }

  /** The local transaction begins: from now on it counts as run. */
  running(record: TransactionRecord): void {
    record.phase = "running";
    record.localTransactionRan = true;
  }

  /** The send is over without a local transaction: whoever asks later is told so. */
  abandon(record: TransactionRecord): void {
    record.phase = "over";
    this.#table.retire(record);
  }

  /** The local transaction has ended, or was skipped for a reason that means rollback. */
  conclude(
    record: TransactionRecord,
    state: LocalTransactionState,
    cause?: unknown,
  ): Promise<EndTransactionResult> {
    const halfMessage = record.newest!;
    record.phase = "over";
    if (state !== "UNKNOWN") return this.#verdicts.end(halfMessage, state, cause);
    this.#table.retire(record);
    return this.#verdicts.send(halfMessage, halfMessage.handle, state, cause);
  }

  /** Takes a check-back of the broker. Returns at once. */
  takeCheck({ header, message, connection, brokerName }: CheckRequest): void {
    const transactionId = transactionIdOf(header, message), checkTimes = checkTimesOf(message);
    const handle: HalfMessageHandle = {
      brokerName,
      connection,
      tranStateTableOffset: header.tranStateTableOffset,
      commitLogOffset: header.commitLogOffset,
      fromCheck: true,
      checkTimes,
      receivedAt: this.#options.clock.monotonic(),
    };
    const record: TransactionRecord = this.#table.get(transactionId) ?? {
      transactionId,
      topic: message.topic,
      phase: "over",
      localTransactionRan: undefined,
      halfMessages: [],
    };
    this.#journal.observation.recognize(record, message.properties);
    this.#verdicts.timing.learn(handle);
    this.#warnings.asked(record, brokerName, checkTimes);
    const handling = this.#route({ record, message, handle });
    this.#journal.checkBack(record, brokerName, checkTimes, handling);
  }

  /** Waits until every verdict that is known has been sent, or has failed. */
  idle(): Promise<void> {
    return this.#verdicts.idle();
  }

  /** Aborts the signals of everything that listeners still work on. */
  abort(reason: Error): void {
    this.#timeUp.abort(reason);
    this.checks.clear();
  }

  #route(check: IncomingCheck): CheckHandling {
    const { record, handle } = check;
    const halfMessage = halfMessageOf(record, handle);
    halfMessage.lastAsked = handle;
    if (record.phase !== "over") {
      halfMessage.handle = handle;
      record.newest = halfMessage;
      this.#verdicts.send(halfMessage, handle, "UNKNOWN");
      return "stillRunning";
    }
    if (record.verdict === undefined) return this.#ask(check);
    return this.#verdicts.take(halfMessage, handle);
  }

  #ask(check: IncomingCheck): CheckHandling {
    const handling = this.checks.offer(check);
    if (handling === "asked") this.#table.retire(check.record);
    this.#warnings.offered(handling, this.checks);
    return handling;
  }

  async #openCheck(pending: PendingCheck): Promise<CheckBack | undefined> {
    const { record, handle, handles } = pending;
    try {
      return await openCheck(pending, {
        deadlines: this.#deadlines,
        maxMessageSize: this.#options.maxMessageSize,
        observation: this.#journal.observation,
        answer: (state, cause) => this.#answer(pending, state, cause),
        onLate: (state) => this.#takeLateAnswer(pending, state),
      });
    } catch (cause) {
      this.#journal.checkFailed(record, handle.brokerName, cause);
      for (const each of handles.values()) {
        this.#verdicts.send(halfMessageOf(record, each), each, "UNKNOWN", cause);
      }
      return undefined;
    }
  }

  /** Answers each broker that asks; gives what became of the answer to the one that was first. */
  async #answer(
    pending: PendingCheck,
    state: LocalTransactionState,
    cause?: unknown,
  ): Promise<EndTransactionOutcome> {
    const { record, handle: { brokerName }, handles } = pending;
    this.checks.release(pending);
    this.#journal.counters.answeredChecks++;
    if (cause !== undefined) this.#journal.checkFailed(record, brokerName, cause);
    const [first] = Array.from(
      handles.values(),
      (handle) => this.#answerOn(record, handle, state, cause),
    );
    return (await first!).outcome;
  }

  /** Answers one broker with the newest handle. */
  #answerOn(
    record: TransactionRecord,
    handle: HalfMessageHandle,
    state: LocalTransactionState,
    cause: unknown,
  ): Promise<EndTransactionResult> {
    const halfMessage = halfMessageOf(record, handle);
    if (state === "UNKNOWN") return this.#verdicts.send(halfMessage, handle, state, cause);
    halfMessage.handle = handle;
    return this.#verdicts.end(halfMessage, state);
  }

  /** Reports an answer that came too late, and contradicts what was sent as the answer to another. */
  #takeLateAnswer(
    { record, handle: { brokerName } }: PendingCheck,
    state: LocalTransactionState,
  ): void {
    const { verdict } = record;
    if (verdict === undefined || state === "UNKNOWN" || state === verdict) return;
    this.#journal.contradiction(record, brokerName, verdict, state);
  }
}
