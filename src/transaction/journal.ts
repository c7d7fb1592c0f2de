import { Broadcast } from "../broadcast.ts";
import { describe } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Observation } from "../producer/mod.ts";
import type { EndTransactionResult } from "./end_transaction.ts";
import type { HalfMessageHandle } from "./half_message.ts";
import type { LocalTransactionState, Verdict } from "./local_transaction_state.ts";
import type {
  CheckHandling,
  TransactionEvent,
  TransactionWarningEvent,
} from "./transaction_events.ts";
import type { TransactionSettings } from "./transaction_options.ts";
import { newCounters, type TransactionCounters } from "./transaction_stats.ts";
import { TransactionObservation } from "./transaction_observation.ts";
import type { TransactionRecord } from "./transaction_table.ts";

/** Tells what happens in a producer: as counters, as events, and in the log. */
export class TransactionJournal {
  /** Everything that was counted. */
  readonly counters: TransactionCounters = newCounters();
  /** Everything that happens, for those who look on. */
  readonly events: Broadcast<TransactionEvent> = new Broadcast();
  /** Everyone who looks on, for whom counters, events and log are not enough. */
  readonly observation: TransactionObservation;
  readonly #logger: Logger;

  constructor(
    logger: Logger,
    { observation }: { observation: Observation },
    { endTransactionHooks }: Pick<TransactionSettings, "endTransactionHooks">,
  ) {
    this.#logger = logger;
    this.observation = new TransactionObservation(observation, endTransactionHooks);
  }

  brokerRegistered(brokerName: string, address: string): void {
    this.#publish(() => ({ type: "brokerRegistered", brokerName, address }));
  }

  brokerLost(brokerName: string, address: string, reason: string): void {
    this.#publish(() => ({ type: "brokerLost", brokerName, address, reason }));
  }

  routeChanged(topic: string, brokerNames: readonly string[]): void {
    this.#publish(() => ({ type: "routeChanged", topic, brokerNames: [...brokerNames] }));
  }

  halfStored(record: TransactionRecord, brokerName: string): void {
    this.counters.halfMessages++;
    this.#publish(() => ({ type: "halfStored", ...named(record, brokerName) }));
  }

  sendFailed(
    { transactionId, topic }: TransactionRecord,
    outcome: "failed" | "indeterminate",
    error: Error,
  ): void {
    this.counters[outcome === "failed" ? "failedSends" : "indeterminateSends"]++;
    this.#publish(() => ({ type: "sendFailed", transactionId, topic, outcome, error }));
  }

  localTransactionEnded(
    record: TransactionRecord,
    brokerName: string,
    state: LocalTransactionState,
    cause: unknown,
  ): void {
    if (state === "COMMIT") this.counters.localCommits++;
    else if (state === "ROLLBACK") this.counters.localRollbacks++;
    else this.counters.localUnknowns++;
    if (cause !== undefined) {
      this.#logger.warn(
        `The local transaction of ${record.transactionId} threw, which counts as unknown: ${
          describe(cause)
        }`,
        named(record, brokerName),
      );
    }
    this.#publish(() => ({
      type: "localTransactionEnded",
      ...named(record, brokerName),
      state,
      ...(cause === undefined ? {} : { cause }),
    }));
  }

  verdictSent(
    record: TransactionRecord,
    { brokerName, fromCheck }: HalfMessageHandle,
    state: LocalTransactionState,
    { outcome, error }: EndTransactionResult,
  ): void {
    if (outcome === "confirmed") this.counters.confirmedVerdicts++;
    else this.counters[`${outcome}Verdicts`]++;
    if (error) {
      this.#logger.warn(
        `The verdict ${state} of transaction ${record.transactionId} failed, a check-back has to ` +
          `decide: ${describe(error)}`,
        named(record, brokerName),
      );
    }
    this.#publish(() => ({
      type: "endTransaction",
      ...named(record, brokerName),
      state,
      outcome,
      fromCheck,
      ...(error ? { error } : {}),
    }));
  }

  checkBack(
    record: TransactionRecord,
    brokerName: string,
    checkTimes: number,
    handling: CheckHandling,
  ): void {
    this.counters.checkBacks++;
    this.counters[`${handling}Checks`]++;
    this.observation.checkBack(record, handling);
    this.#publish(() => ({
      type: "checkBack",
      ...named(record, brokerName),
      checkTimes,
      handling,
    }));
  }

  checkFailed(record: TransactionRecord, brokerName: string, cause: unknown): void {
    this.counters.failedChecks++;
    this.#logger.warn(
      `The check-back of transaction ${record.transactionId} is answered with unknown: ${
        describe(cause)
      }`,
      named(record, brokerName),
    );
    this.#publish(() => ({ type: "checkFailed", ...named(record, brokerName), cause }));
  }

  contradiction(
    record: TransactionRecord,
    brokerName: string,
    sent: Verdict,
    contradictedBy: Verdict,
  ): void {
    this.#logger.error(
      `The listener says ${contradictedBy} of transaction ${record.transactionId}, for which ${sent} ` +
        `was sent: ${contradictedBy} is not sent`,
      named(record, brokerName),
    );
    this.#publish(() => ({
      type: "contradiction",
      ...named(record, brokerName),
      sent,
      contradictedBy,
    }));
  }

  /** A commit whose answer got lost had been carried out: it is not given again. */
  foundCommitted(record: TransactionRecord, brokerName: string): void {
    this.counters.foundCommits++;
    this.#publish(() => ({ type: "commitFound", ...named(record, brokerName) }));
  }

  /** Something may go wrong with a transaction. */
  warned(event: TransactionWarningEvent): void {
    this.#publish(() => event);
  }

  /** An event is made only when someone looks on. */
  #publish(make: () => TransactionEvent): void {
    if (this.events.hasSubscribers) this.events.publish(make());
  }
}

function named(
  { transactionId, topic }: TransactionRecord,
  brokerName: string,
): { transactionId: string; topic: string; brokerName: string } {
  return { transactionId, topic, brokerName };
}
