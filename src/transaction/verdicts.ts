import type { ClientInstance } from "../client/mod.ts";
import type { Clock } from "../clock.ts";
import { ConnectionError, describe, ProtocolError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { CommitLookUp } from "./commit_look_up.ts";
import { type EndTransactionResult, VerdictSender } from "./end_transaction.ts";
import { InFlight } from "./in_flight.ts";
import type { TransactionJournal } from "./journal.ts";
import type { LocalTransactionState, Verdict } from "./local_transaction_state.ts";
import type { CheckHandling } from "./transaction_events.ts";
import type { TransactionSettings } from "./transaction_options.ts";
import type {
  HalfMessageHandle,
  TransactionRecord,
  TransactionTable,
} from "./transaction_table.ts";
import { VerdictTiming } from "./verdict_timing.ts";

/** What verdicts are given with. */
export interface VerdictsOptions extends TransactionSettings {
  /** Time. */
  clock: Clock;
  /** Log. */
  logger: Logger;
  /** The producer group. */
  producerGroup: string;
  /** Where it is told what happens. */
  journal: TransactionJournal;
  /** The transactions. */
  table: TransactionTable;
  /** Aborts when nothing may wait any longer. */
  timeUp: AbortSignal;
}

/** Gives verdicts to brokers, each until it is confirmed or no check-back waits for it. */
export class Verdicts {
  /** When a verdict is safe from the broker's next check round. */
  readonly timing: VerdictTiming;
  readonly #options: VerdictsOptions;
  readonly #underWay = new InFlight();
  #sender: VerdictSender | undefined;
  #lookUp: CommitLookUp | undefined;

  constructor(options: VerdictsOptions) {
    this.#options = options;
    this.timing = new VerdictTiming(options.clock, options.timeUp);
  }

  /** Takes the client that verdicts go through. */
  attach(client: ClientInstance): void {
    const { clock, logger, journal, producerGroup } = this.#options;
    const { endTransactionTimeout: timeout, endTransactionMode: mode } = this.#options;
    const { observation } = journal, { timeUp } = this.#options;
    this.#sender = new VerdictSender({
      client,
      clock,
      producerGroup,
      timeout,
      mode,
      observation,
      timeUp,
    });
    this.#lookUp = new CommitLookUp({ client, clock, logger, timeout, timeUp });
  }

  /** Waits until every verdict that is known has been sent, or has failed. */
  idle(): Promise<void> {
    return this.#underWay.idle();
  }

  /** Gives a verdict on the newest handle. */
  end(
    record: TransactionRecord,
    verdict: Verdict,
    cause?: unknown,
  ): Promise<EndTransactionResult> {
    record.verdict = verdict;
    this.#options.table.activate(record);
    return this.#underWay.run(() => this.#giveUntilSettled(record, verdict, cause));
  }

  /**
   * Answers a check-back of a transaction whose verdict was sent. After a commit that the broker
   * confirmed on this very connection its message is stored, and another COMMIT would store it
   * again: the question was asked before, or about a copy that the broker made before. On any
   * other connection the broker may have lost the message, so the verdict is given again. It is
   * never answered with the opposite.
   */
  repeat(record: TransactionRecord, handle: HalfMessageHandle): CheckHandling {
    if (isCommittedOn(record, handle)) {
      this.send(record, handle, "UNKNOWN");
      return "alreadyCommitted";
    }
    record.handle = handle;
    this.end(record, record.verdict!);
    return "repeated";
  }

  /** Sends a state for a handle, once. */
  async send(
    record: TransactionRecord,
    handle: HalfMessageHandle,
    state: LocalTransactionState,
    cause?: unknown,
  ): Promise<EndTransactionResult> {
    const { transactionId, topic } = record;
    const remark = cause === undefined ? undefined : describe(cause);
    const isSuperseded = () => state !== "UNKNOWN" && record.heldBack !== undefined;
    const facts = { transactionId, topic, remark, isSuperseded, observed: record.observed };
    const result = await this.#underWay.run(() => this.#sender!.send(handle, state, facts));
    this.#options.journal.verdictSent(record, handle, state, result);
    return result;
  }

  async #giveUntilSettled(
    record: TransactionRecord,
    verdict: Verdict,
    cause: unknown,
  ): Promise<EndTransactionResult> {
    for (;;) {
      record.phase = "waiting";
      await this.timing.wait(record);
      record.phase = "ending";
      const result = await this.#give(record, verdict, cause);
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
      this.#options.table.retire(record);
      if (heldBack) this.repeat(record, heldBack);
      return result;
    }
  }

  /** Sends a verdict. A commit whose answer got lost is looked for first, so as not to store it twice. */
  async #give(
    record: TransactionRecord,
    verdict: Verdict,
    cause: unknown,
  ): Promise<EndTransactionResult> {
    const handle = record.handle!;
    if (verdict === "COMMIT" && record.answerLost && await this.#lookUp!.isVisible(record)) {
      record.answerLost = false;
      this.#options.journal.foundCommitted(record, handle.brokerName);
      await this.send(record, handle, "UNKNOWN");
      const { connection } = handle;
      return { outcome: "confirmed", ...(connection ? { confirmedOn: connection } : {}) };
    }
    const result = await this.send(record, handle, verdict, cause);
    if (result.outcome === "confirmed") record.answerLost = false;
    else if (verdict === "COMMIT" && isAnswerLost(result)) record.answerLost = true;
    return result;
  }
}

/** Whether the broker confirmed a commit on the very connection that a handle came on. */
export function isCommittedOn(
  { committedOn }: TransactionRecord,
  { connection }: HalfMessageHandle,
): boolean {
  return connection !== undefined && committedOn?.has(connection) === true;
}

/** Whether the broker may have carried a verdict out without saying so. */
function isAnswerLost({ outcome, error }: EndTransactionResult): boolean {
  if (error instanceof ConnectionError) return error.written;
  return outcome === "sent" || error instanceof ProtocolError;
}
