import type { Broadcast } from "../broadcast.ts";
import { describe, type TransactionSendError } from "../errors.ts";
import type { Logger, ThrottledLogger } from "../logger.ts";
import { MessageProperty } from "../message/mod.ts";
import type { ProducerCore } from "../producer/mod.ts";
import type { Observed } from "../telemetry.ts";
import {
  type CheckHandling,
  newCounters,
  type TransactionCounters,
  type TransactionEvent,
  type TransactionFacts,
  type TransactionProducerStats,
} from "./events.ts";
import type { HalfMessage } from "./half_message.ts";
import type { LiveTransaction } from "./live.ts";
import type { EndTransactionResult, LocalTransactionState, Verdict } from "./states.ts";

/** A broker's `transactionCheckInterval` by default, in milliseconds. */
const DEFAULT_INTERVAL_MS = 30_000;

/** So many checks before the last one a half message is warned of. */
const LAST_CHECKS = 2;

/** What names a transaction. */
type Named = Pick<LiveTransaction, "transactionId" | "topic">;

/**
 * Tells what happens in a producer: as counters, as events, and in the log. Of each kind of trouble
 * the log has one line a minute, but for a message that may get lost, which has one of its own.
 */
export class Report {
  readonly counters: TransactionCounters = newCounters();
  readonly events: Broadcast<TransactionEvent>;
  readonly #logger: Logger;
  readonly #throttled: ThrottledLogger;
  readonly #checkMax: number;

  /** @param checkMax How often brokers check a half message before they discard it. */
  constructor(
    { warnings, settings: { logger } }: Pick<ProducerCore, "warnings" | "settings">,
    events: Broadcast<TransactionEvent>,
    checkMax: number,
  ) {
    this.events = events;
    this.#logger = logger;
    this.#throttled = warnings;
    this.#checkMax = checkMax;
  }

  begun(): void {
    this.counters.transactions++;
  }

  /** @param immunity Seconds for which the broker does not check it, if the message says so. */
  halfStored(live: Named, brokerName: string, immunity: number | undefined): void {
    this.counters.halfMessages++;
    this.#publish(() => ({ type: "halfStored", ...named(live, brokerName) }));
    if (immunity !== undefined) this.#immune(live, brokerName, immunity);
  }

  sendFailed(error: TransactionSendError): void {
    const { outcome, transactionId = "", topic = "" } = error;
    this.counters[outcome === "failed" ? "failedSends" : "indeterminateSends"]++;
    this.#publish(() => ({ type: "sendFailed", transactionId, topic, outcome, error }));
  }

  /** @param logsFailure `false` if the call rejects with what went wrong. */
  localTransactionEnded(
    live: Named,
    brokerName: string,
    { state, cause }: { readonly state: LocalTransactionState; readonly cause?: unknown },
    logsFailure: boolean,
  ): void {
    if (state === "COMMIT") this.counters.localCommits++;
    else if (state === "ROLLBACK") this.counters.localRollbacks++;
    else this.counters.localUnknowns++;
    if (cause !== undefined && logsFailure) {
      this.#throttled.error(
        "local transaction failed",
        `The local transaction of ${live.transactionId} failed, which counts as UNKNOWN; broker ` +
          `"${brokerName}" checks back: ${describe(cause)}`,
        named(live, brokerName),
      );
    }
    this.#publish(() => ({
      type: "localTransactionEnded",
      ...named(live, brokerName),
      state,
      ...(cause === undefined ? {} : { cause }),
    }));
  }

  /** END_TRANSACTION was sent, or could not be. */
  ended(
    live: Named,
    half: HalfMessage,
    state: LocalTransactionState,
    { outcome, error, visibleOn }: EndTransactionResult,
  ): void {
    const { brokerName, fromCheck } = half;
    if (outcome === "confirmed") this.counters.confirmedVerdicts++;
    else this.counters[`${outcome}Verdicts`]++;
    if (error) {
      this.#throttled.warn(
        `end failed ${brokerName}`,
        `Could not confirm ${state} of transaction ${live.transactionId}; broker "${brokerName}" ` +
          `checks back: ${describe(error)}`,
        named(live, brokerName),
      );
      this.lastChecks(live, half);
    }
    if (visibleOn) return;
    this.#publish(() => ({
      type: "endTransaction",
      ...named(live, brokerName),
      state,
      outcome,
      fromCheck,
      ...(error ? { error } : {}),
    }));
  }

  /** A message that was checked is visible: its half message is a surplus one. */
  foundCommitted(live: Named, brokerName: string): void {
    this.counters.foundCommits++;
    this.#publish(() => ({ type: "commitFound", ...named(live, brokerName) }));
  }

  /** A broker did not take the drop of a surplus half message: it checks it again. */
  dropFailed({ transactionId }: Named, brokerName: string, error: unknown): void {
    this.#logger.debug(
      `Could not drop the surplus half message of transaction ${transactionId} on broker ` +
        `"${brokerName}", which checks it again: ${describe(error)}`,
    );
  }

  /** Nobody can say whether the message is visible already. */
  lookUpFailed(live: Named, brokerName: string, error: unknown): void {
    this.#throttled.warn(
      `look-up ${brokerName}`,
      `Cannot find out whether transaction ${live.transactionId} is committed already on broker ` +
        `"${brokerName}"; COMMIT is sent and may be the second: ${describe(error)}`,
      named(live, brokerName),
    );
  }

  checkBack(about: TransactionFacts, checkTimes: number, handling: CheckHandling): void {
    this.counters.checkBacks++;
    this.counters[`${handling}Checks`]++;
    this.#publish(() => ({ type: "checkBack", ...about, checkTimes, handling }));
  }

  checkAnswered(): void {
    this.counters.answeredChecks++;
  }

  checkFailed(live: Named, brokerName: string, cause: unknown): void {
    this.counters.failedChecks++;
    this.#throttled.warn(
      "check failed",
      `The check-back of transaction ${live.transactionId} is answered with unknown: ${
        describe(cause)
      }`,
      named(live, brokerName),
    );
    this.#publish(() => ({ type: "checkFailed", ...named(live, brokerName), cause }));
  }

  checkDropped(waiting: number): void {
    this.#throttled.warn(
      "dropped",
      `Dropped a check-back, ${waiting} wait already: make the listener faster, or raise ` +
        "checkConcurrency; the broker checks again",
    );
  }

  noConsumer(): void {
    this.#throttled.warn(
      "no consumer",
      "A check-back waits and nothing takes it: iterate over checkBacks(), or give the listener " +
        "a checkLocalTransaction",
    );
  }

  /** The answer to a check-back could not be given. */
  answerFailed(error: unknown): void {
    this.#throttled.error("answer failed", `Cannot answer a check-back: ${describe(error)}`);
  }

  contradiction(about: TransactionFacts, sent: Verdict, contradictedBy: Verdict): void {
    this.#logger.error(
      `The listener says ${contradictedBy} of transaction ${about.transactionId}, for which ${sent} ` +
        `was sent: ${contradictedBy} is not sent`,
      { ...about },
    );
    this.#publish(() => ({ type: "contradiction", ...about, sent, contradictedBy }));
  }

  /** The broker checks a local transaction that still runs. */
  slow(live: Named, { brokerName, checkTimes }: HalfMessage): void {
    this.counters.slowLocalTransactions++;
    this.#publish(() => ({
      type: "slowLocalTransaction",
      ...named(live, brokerName),
      checkTimes,
    }));
    this.#throttled.warn(
      "slow local transaction",
      `The local transaction of ${live.transactionId} still runs when broker "${brokerName}" checks ` +
        "it: make it shorter, or raise transactionTimeOut on the broker",
      named(live, brokerName),
    );
  }

  /** Reports whether a broker will soon discard a half message. */
  isLastCheck({ fromCheck, checkTimes }: HalfMessage): boolean {
    return fromCheck && this.#checkMax - checkTimes <= LAST_CHECKS;
  }

  /** Warns of a transaction that stays open, if its broker will soon discard it. */
  lastChecks(live: Named, half: HalfMessage): void {
    if (!this.isLastCheck(half)) return;
    const { brokerName, checkTimes } = half;
    const checksLeft = Math.max(0, this.#checkMax - checkTimes);
    this.counters.lastChecks++;
    if (checksLeft === 0) this.counters.discardedTransactions++;
    this.#publish(() => ({
      type: "lastChecks",
      ...named(live, brokerName),
      checkTimes,
      checksLeft,
    }));
    this.#logger.warn(
      `Broker "${brokerName}" has checked transaction ${live.transactionId} ${checkTimes} times and ` +
        `discards its message after ${this.#checkMax}: it is lost then, unless it is resumed`,
      named(live, brokerName),
    );
  }

  /** A half message was stored that sits check rounds out; each costs it one of its checks. */
  #immune(live: Named, brokerName: string, seconds: number): void {
    const checksLost = Math.min(this.#checkMax, Math.floor(seconds * 1_000 / DEFAULT_INTERVAL_MS));
    if (checksLost * 3 < this.#checkMax) return;
    const checksLeft = this.#checkMax - checksLost, { topic } = live;
    this.#publish(() => ({
      type: "checkImmunity",
      ...named(live, brokerName),
      seconds,
      checksLost,
      checksLeft,
    }));
    this.#throttled.warn(
      `immunity on ${topic}`,
      `The ${MessageProperty.CheckImmunityTimeInSeconds} of ${seconds} s of transaction ` +
        `${live.transactionId} costs ${checksLost} of the ${this.#checkMax} checks of broker ` +
        `"${brokerName}", if it checks every ${
          DEFAULT_INTERVAL_MS / 1_000
        } s: a commit or rollback ` +
        `that gets lost has ${checksLeft} left`,
      named(live, brokerName),
    );
  }

  /** Makes an event only when someone iterates. */
  #publish(make: () => TransactionEvent): void {
    if (this.events.hasSubscribers) this.events.publish(make());
  }
}

function named(
  { transactionId, topic }: Named,
  brokerName: string,
): { transactionId: string; topic: string; brokerName: string } {
  return { transactionId, topic, brokerName };
}

/** The numbers of a producer that are metrics: name, what is counted, what it tells. */
const METRICS = {
  transactionsInFlight: [
    "rocketmq.transaction.in_flight",
    "{transaction}",
    "Number of transactions under way",
  ],
  waitingChecks: [
    "rocketmq.transaction.checks.waiting",
    "{check}",
    "Number of check-backs that wait for the listener",
  ],
  slowLocalTransactions: [
    "rocketmq.transaction.slow",
    "{transaction}",
    "Number of local transactions that still ran when their broker checked back",
  ],
  lastChecks: [
    "rocketmq.transaction.last_checks",
    "{check}",
    "Number of check-backs after which a transaction stayed open though few are left",
  ],
  discardedTransactions: [
    "rocketmq.transaction.discarded",
    "{transaction}",
    "Number of transactions that stayed open at their last check-back",
  ],
} as const;

/** Returns what OpenTelemetry collects of a transaction producer. */
export function observedOf(stats: () => TransactionProducerStats): Observed[] {
  return (Object.keys(METRICS) as (keyof typeof METRICS)[]).map((field) => {
    const [name, unit, description] = METRICS[field];
    return {
      kind: field === "transactionsInFlight" || field === "waitingChecks" ? "amount" : "counter",
      name,
      unit,
      description,
      read: () => stats()[field],
    };
  });
}
