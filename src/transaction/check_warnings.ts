import type { Clock } from "../clock.ts";
import { type Logger, ThrottledLogger } from "../logger.ts";
import { MessageProperty } from "../message/mod.ts";
import type { CheckQueue } from "./check_queue.ts";
import type { TransactionJournal } from "./journal.ts";
import type { CheckHandling } from "./transaction_events.ts";
import type { TransactionRecord } from "./transaction_table.ts";

/** A broker's `transactionCheckInterval` before one was seen, in milliseconds. */
const DEFAULT_INTERVAL = 30_000;

/** The last checks of a half message that are warned of. */
const LAST_CHECKS = 2;

/** What warnings are given with. */
export interface CheckWarningsOptions {
  /** Log. */
  logger: Logger;
  /** Time. */
  clock: Clock;
  /** Where each single case is told. */
  journal: TransactionJournal;
  /** How often brokers ask about a half message. */
  transactionCheckMax: number;
}

/** Warns of what makes check-backs fail or run out: of each kind now and then, in the log. */
export class CheckWarnings {
  readonly #options: CheckWarningsOptions;
  readonly #logger: ThrottledLogger;

  constructor(options: CheckWarningsOptions) {
    this.#options = options;
    this.#logger = new ThrottledLogger(options.logger, options.clock);
  }

  /** Tells of a check-back that was offered to the queue. After the end of the queue there is nothing to tell. */
  offered(handling: CheckHandling, { isOpen, hasConsumer, waiting }: CheckQueue): void {
    if (!isOpen) return;
    if (handling === "dropped") {
      this.#logger.warn(
        "dropped",
        `Dropped a check-back, ${waiting} wait already: make the listener faster, or raise ` +
          "checkConcurrency; the broker asks again",
      );
    } else if (!hasConsumer) {
      this.#logger.warn(
        "no consumer",
        "A check-back waits and nothing takes it: iterate over checkBacks(), or give the listener " +
          "a checkLocalTransaction",
      );
    }
  }

  /** A broker has asked: does the local transaction take too long, and may it ask much longer? */
  asked(record: TransactionRecord, brokerName: string, checkTimes: number): void {
    const { journal, transactionCheckMax } = this.#options;
    const { transactionId, topic } = record;
    const fields = { transactionId, topic, brokerName };
    if (record.phase === "running" && !record.isSlow) {
      record.isSlow = true;
      journal.warned({ type: "slowLocalTransaction", ...fields, checkTimes });
      this.#logger.warn(
        "slow local transaction",
        `The local transaction of ${transactionId} still runs when broker "${brokerName}" asks about ` +
          "it: make it shorter, or raise transactionTimeOut on the broker",
        fields,
      );
    }
    const checksLeft = Math.max(0, transactionCheckMax - checkTimes);
    if (checksLeft > LAST_CHECKS) return;
    journal.warned({ type: "lastChecks", ...fields, checkTimes, checksLeft });
    this.#logger.warn(
      "last checks",
      `Broker "${brokerName}" has asked ${checkTimes} times about transaction ${transactionId} and ` +
        `gives it up after ${transactionCheckMax}: its message is lost then, unless it is resumed`,
      fields,
    );
  }

  /** A half message was stored that sits check rounds out; each costs it one of its checks. */
  immune(
    record: TransactionRecord,
    brokerName: string,
    seconds: number,
    interval: number = DEFAULT_INTERVAL,
  ): void {
    const { journal, transactionCheckMax } = this.#options;
    const checksLost = Math.min(transactionCheckMax, Math.floor(seconds * 1_000 / interval));
    if (checksLost * 3 < transactionCheckMax) return;
    const { transactionId, topic } = record;
    const checksLeft = transactionCheckMax - checksLost;
    const fields = { transactionId, topic, brokerName };
    journal.warned({ type: "checkImmunity", ...fields, seconds, checksLost, checksLeft });
    this.#logger.warn(
      `immunity on ${topic}`,
      `The ${MessageProperty.CheckImmunityTimeInSeconds} of ${seconds} s of transaction ` +
        `${transactionId} costs ${checksLost} of the ${transactionCheckMax} checks of broker ` +
        `"${brokerName}", which asks every ${interval / 1_000} s: a verdict that gets lost has ` +
        `${checksLeft} left`,
      fields,
    );
  }
}
