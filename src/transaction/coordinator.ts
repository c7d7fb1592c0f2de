import type { CheckRequest, ClientInstance } from "../client/mod.ts";
import type { Clock } from "../clock.ts";
import { describe } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { SendReceipt } from "../producer/mod.ts";
import type { CheckBack } from "./check_back.ts";
import { checkTimesOf, openCheck, transactionIdOf } from "./check_opener.ts";
import { CheckQueue, type PendingCheck } from "./check_queue.ts";
import { CheckWarnings } from "./check_warnings.ts";
import {
  type EndTransactionOutcome,
  type EndTransactionResult,
  VerdictSender,
} from "./end_transaction.ts";
import { InFlight } from "./in_flight.ts";
import type { TransactionJournal } from "./journal.ts";
import type { LocalTransactionState, Verdict } from "./local_transaction_state.ts";
import type { CheckHandling } from "./transaction_events.ts";
import type { TransactionSettings } from "./transaction_options.ts";
import {
  type HalfMessageHandle,
  type TransactionRecord,
  TransactionTable,
} from "./transaction_table.ts";
import { VerdictTiming } from "./verdict_timing.ts";

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
 * one for each transaction, on the newest handle, and none while the local transaction still runs.
 */
export class TransactionCoordinator {
  /** The check-backs that the listener is to be asked about. */
  readonly checks: CheckQueue;

  readonly #options: CoordinatorOptions;
  readonly #journal: TransactionJournal;
  readonly #warnings: CheckWarnings;
  readonly #table = new TransactionTable();
  readonly #timeUp = new AbortController();
  readonly #timing: VerdictTiming;
  readonly #underWay = new InFlight();
  #verdicts: VerdictSender | undefined;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#timing = new VerdictTiming(options.clock, this.#timeUp.signal);
    this.#warnings = new CheckWarnings(options.logger, options.clock);
    this.checks = new CheckQueue(
      options.checkRequestHoldMax,
      (pending) => this.#openCheck(pending),
    );
  }

  /** Takes the client that verdicts go through. */
  attach(client: ClientInstance): void {
    const { clock, producerGroup, endTransactionTimeout, endTransactionMode } = this.#options;
    this.#verdicts = new VerdictSender({
      client,
      clock,
      producerGroup,
      timeout: endTransactionTimeout,
      mode: endTransactionMode,
      timeUp: this.#timeUp.signal,
    });
  }

  /** A half message is about to be sent. */
  begin(transactionId: string, topic: string): TransactionRecord {
    const record: TransactionRecord = {
      transactionId,
      topic,
      phase: "sending",
      localTransactionRan: false,
    };
    this.#table.activate(record);
    return record;
  }

  /** The half message was stored. A handle that a check-back brought meanwhile is newer. */
  stored(record: TransactionRecord, receipt: SendReceipt): void {
    record.handle ??= {
      brokerName: receipt.messageQueue.brokerName,
      connection: receipt.connection,
      tranStateTableOffset: receipt.queueOffset,
      commitLogOffset: receipt.commitLogOffset,
      fromCheck: false,
      receivedAt: this.#options.clock.monotonic(),
    };
  }

  /** The local transaction begins: from now on it counts as run. */
  running(record: TransactionRecord): void {
    record.phase = "running";
    record.localTransactionRan = true;
  }

  /** The send is over without a local transaction: whoever asks later is told so. */
  abandon(record: TransactionRecord): void {
    record.phase = "open";
    this.#table.retire(record);
  }

  /** The local transaction has ended, or was skipped for a reason that means rollback. */
  async conclude(
    record: TransactionRecord,
    state: LocalTransactionState,
    cause?: unknown,
  ): Promise<EndTransactionResult> {
    if (state !== "UNKNOWN") return await this.#end(record, state, cause);
    record.phase = "open";
    this.#table.retire(record);
    return await this.#send(record, record.handle!, state, cause);
  }

  /** Takes a check-back of the broker. Returns at once. */
  takeCheck({ header, message, connection, brokerName }: CheckRequest): void {
    const transactionId = transactionIdOf(header, message);
    const handle: HalfMessageHandle = {
      brokerName,
      connection,
      tranStateTableOffset: header.tranStateTableOffset,
      commitLogOffset: header.commitLogOffset,
      fromCheck: true,
      receivedAt: this.#options.clock.monotonic(),
    };
    const record: TransactionRecord = this.#table.get(transactionId) ?? {
      transactionId,
      topic: message.topic,
      phase: "open",
      localTransactionRan: undefined,
    };
    this.#timing.learn(handle);
    const handling = this.#route({ record, message, handle });
    this.#journal.checkBack(record, brokerName, checkTimesOf(message), handling);
  }

  /** Waits until every verdict that is known has been sent, or has failed. */
  idle(): Promise<void> {
    return this.#underWay.idle();
  }

  /** Aborts the signals of everything that listeners still work on. */
  abort(reason: Error): void {
    this.#timeUp.abort(reason);
    this.checks.clear();
  }

  #route(pending: PendingCheck): CheckHandling {
    const { record, handle } = pending;
    if (record.committedOn?.has(handle.connection)) return this.#repeat(record, handle);
    switch (record.phase) {
      case "sending":
      case "running":
        record.handle = handle;
        this.#send(record, handle, "UNKNOWN");
        return "stillRunning";
      case "waiting":
        record.handle = handle;
        record.wake?.();
        return "repeated";
      case "ending":
        record.heldBack = handle;
        return "heldBack";
      case "settled":
        return this.#repeat(record, handle);
      case "open":
        return this.#ask(pending);
    }
  }

  #ask(pending: PendingCheck): CheckHandling {
    const handling = this.checks.offer(pending);
    if (handling === "asked") this.#table.retire(pending.record);
    this.#warnings.tell(handling, this.checks);
    return handling;
  }

  /**
   * Answers a check-back of a transaction whose verdict was sent. After a commit that the broker
   * confirmed on this very connection its message is stored, and another COMMIT would store it
   * again: the question was asked before, or about a copy that the broker made before. On any
   * other connection the broker may have lost the message, so the verdict is given again. It is
   * never answered with the opposite.
   */
  #repeat(record: TransactionRecord, handle: HalfMessageHandle): CheckHandling {
    if (record.committedOn?.has(handle.connection)) {
      this.#send(record, handle, "UNKNOWN");
      return "alreadyCommitted";
    }
    record.handle = handle;
    this.#end(record, record.verdict!);
    return "repeated";
  }

  /** Sends a verdict until it is confirmed or no check-back waits for it. */
  #end(
    record: TransactionRecord,
    verdict: Verdict,
    cause?: unknown,
  ): Promise<EndTransactionResult> {
    record.verdict = verdict;
    this.#table.activate(record);
    return this.#underWay.run(() => this.#sendUntilSettled(record, verdict, cause));
  }

  async #sendUntilSettled(
    record: TransactionRecord,
    verdict: Verdict,
    cause: unknown,
  ): Promise<EndTransactionResult> {
    for (;;) {
      record.phase = "waiting";
      await this.#timing.wait(record);
      record.phase = "ending";
      const result = await this.#send(record, record.handle!, verdict, cause);
      if (result.confirmedOn && verdict === "COMMIT") {
        (record.committedOn ??= new WeakSet()).add(result.confirmedOn);
      }
      const heldBack = record.heldBack;
      delete record.heldBack;
      if (heldBack && result.outcome !== "confirmed") {
        record.handle = heldBack;
        continue;
      }
      record.phase = "settled";
      this.#table.retire(record);
      if (heldBack) this.#repeat(record, heldBack);
      return result;
    }
  }

  async #send(
    record: TransactionRecord,
    handle: HalfMessageHandle,
    state: LocalTransactionState,
    cause?: unknown,
  ): Promise<EndTransactionResult> {
    const { transactionId, topic } = record;
    const remark = cause === undefined ? undefined : describe(cause);
    const isSuperseded = () => state !== "UNKNOWN" && record.heldBack !== undefined;
    const facts = { transactionId, topic, remark, isSuperseded };
    const result = await this.#underWay.run(() => this.#verdicts!.send(handle, state, facts));
    this.#journal.verdictSent(record, handle, state, result);
    return result;
  }

  async #openCheck(pending: PendingCheck): Promise<CheckBack | undefined> {
    const { record } = pending;
    try {
      return await openCheck(pending, {
        clock: this.#options.clock,
        timeout: this.#options.checkTimeout,
        maxMessageSize: this.#options.maxMessageSize,
        timeUp: this.#timeUp.signal,
        answer: (state, cause) => this.#answer(pending, state, cause),
      });
    } catch (cause) {
      this.#journal.checkFailed(record, pending.handle.brokerName, cause);
      this.#send(record, pending.handle, "UNKNOWN", cause);
      return undefined;
    }
  }

  /** Answers with the newest handle, unless that would contradict what was sent before. */
  async #answer(
    pending: PendingCheck,
    state: LocalTransactionState,
    cause?: unknown,
  ): Promise<EndTransactionOutcome> {
    const { record, handle } = pending;
    const { brokerName } = handle;
    this.checks.release(pending);
    this.#journal.counters.answeredChecks++;
    if (cause !== undefined) this.#journal.checkFailed(record, brokerName, cause);
    if (state === "UNKNOWN") return (await this.#send(record, handle, state, cause)).outcome;
    if (record.verdict && record.verdict !== state) {
      this.#journal.contradiction(record, brokerName, record.verdict, state);
      return (await this.#send(record, handle, "UNKNOWN")).outcome;
    }
    record.handle = handle;
    return (await this.#end(record, state)).outcome;
  }
}
