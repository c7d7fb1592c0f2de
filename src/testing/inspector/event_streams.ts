import type { Clock, TimerHandle } from "../../clock.ts";
import { respond, respondText } from "./guard.ts";
import type { LatencySummary } from "./latency_histogram.ts";
import type { TransactionSummary } from "./record.ts";
import type { InspectorCounters, TransactionLog } from "./transaction_log.ts";

/** Most pages that look on at once. */
const MAX_STREAMS = 16;
/** Most transactions in one event. */
const MAX_BATCH = 1_000;
/** Milliseconds between two looks for changes: what changes more often is told once. */
const TICK = 100;
/** Milliseconds after which a page that takes nothing is let go. */
const MAX_STALL = 60_000;

const encoder = new TextEncoder();

/** What pages are told first. */
export interface Greeting {
  /** What is inspected, for people. */
  readonly source: string;
  /** Whether it is an embedded broker, a cluster, or a producer alone. */
  readonly mode: "broker" | "cluster" | "producer";
  /** Most transactions that are kept. */
  readonly limit: number;
  /** Milliseconds between two signs of life. */
  readonly heartbeat: number;
  /** Whether the page may enter ids to ask a cluster about. */
  readonly canWatch: boolean;
}

/** The data of a `hello` event, which begins each stream. */
export interface HelloEvent extends Greeting {
  /** Whether the stream goes on where an earlier one has ended. */
  readonly isResumed: boolean;
}

/** The data of a `changes` event. */
export interface ChangesEvent {
  /** The server's time, in milliseconds since 1970. */
  readonly now: number;
  /** Why the source does not answer. */
  readonly problem: string | null;
  /** The transactions that have changed, in the order of their changes. */
  readonly changes: readonly TransactionSummary[];
  readonly counters: InspectorCounters;
  readonly latency: LatencySummary;
}

/** A page that looks on. It has no queue: what it has not seen yet is found in the log. */
interface Stream {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  change: number;
  health: number;
  sentAt: number;
}

/** Tells pages what changes, by Server-Sent Events, and goes on where a lost connection ended. */
export class EventStreams {
  readonly #log: TransactionLog;
  readonly #clock: Clock;
  readonly #greeting: Greeting;
  /** Tells this server from an earlier one on the same port. */
  readonly #epoch: string;
  readonly #streams = new Set<Stream>();
  #timer: TimerHandle | undefined;
  #problem: string | undefined;
  #health = 0;
  #isClosed = false;

  constructor(log: TransactionLog, clock: Clock, greeting: Greeting) {
    this.#log = log;
    this.#clock = clock;
    this.#greeting = greeting;
    this.#epoch = `${clock.now().toString(36)}${Math.floor(clock.random() * 2 ** 32).toString(36)}`;
  }

  /** How many pages look on. */
  get size(): number {
    return this.#streams.size;
  }

  /** Tells that the source answers, or why it does not. */
  setProblem(problem: string | undefined): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#health++;
  }

  /** A stream of all that is kept and all that changes, or of what changed after an event. */
  open(lastEventId: string | null): Response {
    if (this.#isClosed || this.#streams.size >= MAX_STREAMS) {
      return respondText("Too many pages look on", 503, { "retry-after": "5" });
    }
    let stream: Stream | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const change = this.#resume(lastEventId);
        stream = { controller, change: change ?? 0, health: -1, sentAt: this.#clock.monotonic() };
        this.#streams.add(stream);
        const greeting: HelloEvent = { ...this.#greeting, isResumed: change !== undefined };
        this.#send(stream, `retry: 1000\nevent: hello\ndata: ${JSON.stringify(greeting)}\n\n`);
        this.#update(stream);
      },
      cancel: () => {
        this.#drop(stream!);
      },
    }, { highWaterMark: 2 });
    this.#schedule();
    return respond(body, "text/event-stream; charset=utf-8");
  }

  /** Ends all streams. */
  close(): void {
    this.#isClosed = true;
    for (const stream of this.#streams) {
      this.#drop(stream);
      stream.controller.close();
    }
  }

  /** The change after which a page goes on, when this server has named it. */
  #resume(lastEventId: string | null): number | undefined {
    const [epoch, change] = (lastEventId ?? "").split("-");
    if (epoch !== this.#epoch || !/^\d{1,15}$/.test(change ?? "")) return undefined;
    return Math.min(Number(change), this.#log.lastChange);
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#streams.size === 0) return;
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = undefined;
      for (const stream of this.#streams) this.#update(stream);
      this.#schedule();
    }, TICK);
  }

  #update(stream: Stream): void {
    const silence = this.#clock.monotonic() - stream.sentAt;
    if ((stream.controller.desiredSize ?? 0) <= 0) {
      if (silence < MAX_STALL) return;
      this.#drop(stream);
      stream.controller.error(new Error("The page takes nothing"));
      return;
    }
    const changes = this.#log.changedAfter(stream.change, MAX_BATCH);
    if (changes.length === 0 && stream.health === this.#health) {
      if (silence >= this.#greeting.heartbeat) this.#send(stream, "event: heartbeat\ndata: {}\n\n");
      return;
    }
    stream.change = changes.at(-1)?.change ?? stream.change;
    stream.health = this.#health;
    const update: ChangesEvent = {
      now: Math.floor(this.#clock.now()),
      problem: this.#problem ?? null,
      changes,
      counters: this.#log.counters(),
      latency: this.#log.latency(),
    };
    const id = `${this.#epoch}-${stream.change}`;
    this.#send(stream, `id: ${id}\nevent: changes\ndata: ${JSON.stringify(update)}\n\n`);
  }

  #send(stream: Stream, text: string): void {
    stream.sentAt = this.#clock.monotonic();
    stream.controller.enqueue(encoder.encode(text));
  }

  #drop(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0 || this.#timer === undefined) return;
    this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
