import type { Clock } from "../../clock.ts";
import { MessageProperty, type StoredMessage } from "../../message/mod.ts";
import { type Activity, transactionFacts } from "../activity.ts";
import { SystemTopic } from "../broker/system_topics.ts";
import type { MessageStore, Placement } from "../store/message_store.ts";
import type { CollectedMarks, DoneMarks } from "./done_marks.ts";
import type { HalfQueue } from "./half_queue.ts";

/** Half messages older than this are given up whatever their count is, in milliseconds. */
const MAX_AGE = 72 * 3_600_000;

/** How a {@linkcode CheckScan} is made. */
export interface CheckScanOptions {
  /** Name of the broker. */
  brokerName: string;
  /** Time of the broker. */
  clock: Clock;
  /** Where given up messages go. */
  store: MessageStore;
  /** The half messages. */
  halves: HalfQueue;
  /** The marks of those that were decided. */
  marks: DoneMarks;
  /** Where give-ups are told. */
  activity: Activity;
  /** Milliseconds after which a half message is asked about. */
  timeout: number;
  /** How often it is asked about. */
  maxChecks: number;
  /** Asks: `message` is the record as it was read, `placement` where it was written again. */
  ask(message: StoredMessage, placement: Placement): void;
  /** Is called before the first message is given up: makes the topic. */
  prepareGiveUp(): void;
}

/** What to do with a half message that a scan meets. */
type Step = "wait" | "skip" | "ask";

/**
 * Goes over the undecided half messages and asks about those that are old enough, step by step as a
 * 5.5.0 broker does: one that was asked about too often is given up; one is written again, with its
 * count raised, before it is asked about; one with `CHECK_IMMUNITY_TIME_IN_SECONDS` is written
 * again and not asked about, and its count goes up all the same.
 */
export class CheckScan {
  readonly #options: CheckScanOptions;

  constructor(options: CheckScanOptions) {
    this.#options = options;
  }

  /**
   * Goes over them once and gives the number that was asked about.
   *
   * @param force Asks about those too that are younger than the timeout.
   */
  run(force = false): number {
    const { halves, marks, clock } = this.#options;
    const start = Math.floor(clock.now()), end = halves.length;
    const collected = marks.collect(halves.scanOffset);
    let offset = halves.scanOffset, asked = 0;
    // What a scan writes again it meets again at the end, if it is slow; this one leaves it alone.
    for (; offset < end; offset++) {
      if (collected.take(offset)) continue;
      const message = halves.messageAt(offset);
      if (!message) break;
      const checkTimes = countOf(message);
      if (checkTimes >= this.#options.maxChecks || start - message.bornTimestamp > MAX_AGE) {
        if (!this.#giveUp(message, checkTimes)) break;
        continue;
      }
      message.properties[MessageProperty.TransactionCheckTimes] = String(checkTimes + 1);
      if (!force && message.storeTimestamp >= start) break;
      const step = this.#decide(message, collected, force);
      if (step === "wait") break;
      if (step === "skip") continue;
      const placement = halves.rewrite(message, message.properties);
      if (!placement) break;
      this.#options.ask(message, placement);
      asked++;
    }
    halves.scanOffset = offset;
    marks.advance(collected);
    return asked;
  }

  #decide(message: StoredMessage, collected: CollectedMarks, force: boolean): Step {
    const age = Math.floor(this.#options.clock.now()) - message.bornTimestamp;
    const immunity = message.properties[MessageProperty.CheckImmunityTimeInSeconds];
    if (immunity === undefined) {
      return !force && age >= 0 && age <= this.#options.timeout ? "wait" : "ask";
    }
    const seconds = parseLong(immunity);
    if (age > (seconds === -1 ? this.#options.timeout : seconds * 1000)) return "ask";
    return this.#putBack(message, collected);
  }

  /** Writes an immune half message again; its first record's offset stands for it in the marks. */
  #putBack(message: StoredMessage, collected: CollectedMarks): Step {
    const { properties } = message;
    const name = MessageProperty.TransactionPreparedQueueOffset;
    const first = properties[name] ?? String(message.queueOffset);
    if (properties[name] !== undefined) {
      const offset = parseLong(first);
      if (offset === -1) return "ask";
      if (collected.take(offset)) {
        this.#options.halves.decide(Number(message.queueOffset));
        return "skip";
      }
    }
    const next = { ...properties, [name]: first, [MessageProperty.WaitStoreMessageOk]: "false" };
    return this.#options.halves.rewrite(message, next) ? "skip" : "wait";
  }

  #giveUp(message: StoredMessage, checkTimes: number): boolean {
    const { store, halves, activity, brokerName, prepareGiveUp } = this.#options;
    const { body, flag, sysFlag, bornTimestamp, bornHost, reconsumeTimes, properties } = message;
    prepareGiveUp();
    const result = store.put({
      ...{ body, flag, sysFlag, bornTimestamp, bornHost, reconsumeTimes, properties },
      topic: SystemTopic.GivenUp,
      queueId: 0,
    });
    if (result.status !== "stored") return false;
    halves.decide(Number(message.queueOffset));
    activity.publish(brokerName, { type: "givenUp", checkTimes, ...transactionFacts(properties) });
    return true;
  }
}

/** How often a half message was asked about. */
function countOf({ properties }: StoredMessage): number {
  const text = properties[MessageProperty.TransactionCheckTimes];
  return text === undefined ? 0 : parseLong(text);
}

/** A decimal number, -1 for anything else, as in Java's code. */
function parseLong(text: string): number {
  return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : -1;
}
