import type { Clock, TimerHandle } from "../../clock.ts";
import { MessageProperty } from "../../message/mod.ts";
import type { MessageInput, MessageStore } from "../store/message_store.ts";
import { SystemTopic } from "./system_topics.ts";

const SECOND = 1_000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE;

/** Milliseconds of the delay levels, from 1 on. */
const LEVELS = [
  ...[1, 5, 10, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2].map((hours) => hours * HOUR),
];

/** The longest that a timer message may wait, in milliseconds. */
export const MAX_TIMER_DELAY = 72 * HOUR;

/** Timers are exact to this many milliseconds. */
const PRECISION = SECOND;

/** A message that waits: as it is stored meanwhile, and until when. */
export interface Deferred {
  /** What is stored. */
  input: MessageInput;
  /** When it is delivered, in milliseconds since 1970. */
  due: number;
}

/** The messages that are delivered later, by delay level or timer. */
export class DelayedMessages {
  readonly #store: MessageStore;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, { deferred: Deferred; timer?: TimerHandle }>();
  #isRunning = false;

  constructor(store: MessageStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** What a message is stored as that has to wait; undefined when it has not, `illegal` when it can't. */
  defer(input: MessageInput): Deferred | "illegal" | undefined {
    const now = Math.floor(this.#clock.now());
    const level = Math.min(levelOf(input), LEVELS.length);
    if (level > 0) {
      const waiting = kept(input, SystemTopic.Schedule, level - 1);
      return { input: waiting, due: now + LEVELS[level - 1]! };
    }
    const due = timerOf(input, now);
    if (due === undefined || due <= now) return undefined;
    if (!(due - now <= MAX_TIMER_DELAY)) return "illegal";
    const exact = due % PRECISION === 0 ? due - PRECISION : due - due % PRECISION;
    const waiting = kept(input, SystemTopic.Timer, 0);
    waiting.properties[MessageProperty.TimerOutMs] = String(exact);
    return { input: waiting, due: exact + PRECISION };
  }

  /** Delivers the message that was stored at a position when its time has come. */
  schedule(position: number, deferred: Deferred): void {
    this.#waiting.set(position, { deferred });
    if (this.#isRunning) this.#setTimer(position);
  }

  /** Takes back the messages with a timer and this unique key. */
  recall(uniqueKey: string): void {
    for (const [position, { deferred, timer }] of [...this.#waiting]) {
      const { topic, properties } = deferred.input;
      const isMeant = properties[MessageProperty.UniqueKey] === uniqueKey;
      if (topic !== SystemTopic.Timer || !isMeant) continue;
      this.#clock.clearTimer(timer);
      this.#waiting.delete(position);
    }
  }

  /** Delivers from now on. */
  start(): void {
    this.#isRunning = true;
    for (const position of this.#waiting.keys()) this.#setTimer(position);
  }

  /** Delivers nothing until it is started again. */
  stop(): void {
    this.#isRunning = false;
    for (const { timer } of this.#waiting.values()) this.#clock.clearTimer(timer);
  }

  #setTimer(position: number): void {
    const entry = this.#waiting.get(position)!;
    const delay = Math.max(0, entry.deferred.due - this.#clock.now());
    entry.timer = this.#clock.setTimer(() => this.#deliver(position), delay);
  }

  /** As on a real broker a delayed half message is dropped: its own topic is the half topic. */
  #deliver(position: number): void {
    this.#waiting.delete(position);
    const message = this.#store.message(position)!;
    const { body, flag, sysFlag, bornTimestamp, bornHost, reconsumeTimes, properties } = message;
    const topic = properties[MessageProperty.RealTopic]!;
    if (topic === SystemTopic.Half) return;
    this.#store.put({
      ...{ topic, body, flag, sysFlag, bornTimestamp, bornHost, reconsumeTimes, properties },
      queueId: Number(properties[MessageProperty.RealQueueId]),
    });
  }
}

function kept(input: MessageInput, topic: string, queueId: number): MessageInput {
  const properties = {
    ...input.properties,
    [MessageProperty.RealTopic]: input.topic,
    [MessageProperty.RealQueueId]: String(input.queueId),
  };
  return { ...input, topic, queueId, properties };
}

function levelOf({ properties }: MessageInput): number {
  return Math.trunc(Number(properties[MessageProperty.DelayTimeLevel] ?? 0)) || 0;
}

/** When a timer message is due; `NaN` when that is no number. */
function timerOf({ properties }: MessageInput, now: number): number | undefined {
  const seconds = properties[MessageProperty.TimerDelaySeconds];
  if (seconds !== undefined) return now + Number(seconds) * SECOND;
  const delay = properties[MessageProperty.TimerDelayMs];
  if (delay !== undefined) return now + Number(delay);
  const due = properties[MessageProperty.TimerDeliverMs];
  return due === undefined ? undefined : Number(due);
}
