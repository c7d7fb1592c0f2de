import { RequestCode } from "../../../src/remoting/mod.ts";
import type { FactOf, History, MemberName } from "../history.ts";
import { END_TRANSACTION_TIMEOUT } from "../client_options.ts";
import { type Plan, type PlannedFault, queueTime } from "../plan.ts";
import { Disturbances } from "./disturbances.ts";

/** A reply that a client got. */
export type Reply = FactOf<"gotReply">;

/** Response codes with which a broker refuses END_TRANSACTION surely and perhaps for now only. */
export const REFUSALS: ReadonlySet<number> = new Set([2, 11, 14, 215, 1500]);

/** Of those, the codes with which a broker refuses a half message: with 11 it has stored one. */
export const HALF_REFUSALS: ReadonlySet<number> = new Set([2, 14, 215, 1500]);

/** Codes with which a broker stores a half message worse than it was set up to. */
export const WEAKLY_STORED: ReadonlySet<number> = new Set([10, 11, 12]);

/** Milliseconds that the clients have for one END_TRANSACTION. */
export const VERDICT_TIMEOUT = END_TRANSACTION_TIMEOUT;

/** Milliseconds that anything may come late. */
export const SLACK = 100;

/**
 * Milliseconds within which a commit or rollback that is known has to leave when nothing disturbs
 * it: the time for a look at the broker's index, and for the answer to an earlier one.
 */
export const PROMPT = 1_500;

/** The time of one transaction in the client that sends it, in events. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** One call of the check listener. */
export interface ListenerCall {
  readonly asked: FactOf<"asked">;
  /** What it gave in time; UNKNOWN when its time ran out. */
  readonly gave: FactOf<"answered">["returned"];
  /** When it gave that, in milliseconds. */
  readonly endedAt: number;
  /** Within which event it ended, if not by the clock alone. */
  readonly endedIn: number;
}

/** Questions about a history that several invariants ask. */
export class Timeline {
  readonly #plan: Plan;
  readonly #history: History;
  readonly #disturbances: Disturbances;
  readonly #replies = new Map<string, Reply>();
  readonly #unlinked = new Map<number, FactOf<"unlinked">>();
  readonly #registered = new Map<number, number>();
  readonly #left = new Map<MemberName, { at: number; event: number }>();
  readonly #spans = new Map<string, Span>();
  readonly #calls = new Map<string, ListenerCall[]>();

  constructor(plan: Plan, history: History) {
    this.#plan = plan;
    this.#history = history;
    this.#disturbances = new Disturbances(plan.faults);
    for (const reply of history.of("gotReply")) {
      this.#replies.set(`${reply.link} ${reply.opaque}`, reply);
    }
    for (const fact of history.of("unlinked")) this.#unlinked.set(fact.link, fact);
    for (const type of ["killed", "closing"] as const) {
      for (const fact of history.of(type)) {
        const known = this.#left.get(fact.member);
        if (!known || fact.at < known.at) this.#left.set(fact.member, fact);
      }
    }
    for (const fact of history.of("wroteOther")) {
      const reply = fact.code === RequestCode.HEART_BEAT ? this.replyTo(fact) : undefined;
      if (!reply || reply.at >= this.registeredAt(fact.link)) continue;
      this.#registered.set(fact.link, reply.at);
    }
    this.#learnSpans();
    this.#learnCalls();
  }

  /** The reply to a request on its connection, when the client got one. */
  replyTo({ link, opaque }: { link: number; opaque: number }): Reply | undefined {
    return this.#replies.get(`${link} ${opaque}`);
  }

  /** Whether the broker had said by an event that it did not carry a verdict out. */
  isRefused(verdict: { link: number; opaque: number }, event: number): boolean {
    const reply = this.replyTo(verdict);
    return reply !== undefined && reply.event <= event && reply.code !== 0;
  }

  /** When a connection ended; Infinity when it did not. */
  unlinkedAt(link: number): number {
    return this.#unlinked.get(link)?.at ?? Infinity;
  }

  /** The number of the event in which a connection ended; Infinity when it did not. */
  unlinkedIn(link: number): number {
    return this.#unlinked.get(link)?.event ?? Infinity;
  }

  /** When a client got the first answer to a heartbeat on a connection; Infinity when it did not. */
  registeredAt(link: number): number {
    return this.#registered.get(link) ?? Infinity;
  }

  /** When a client was killed or began to shut down; Infinity when it did not. */
  leftAt(member: MemberName): number {
    return this.#left.get(member)?.at ?? Infinity;
  }

  /** The events in which a transaction was sent, or its local transaction ran, in a client. */
  underWay(member: MemberName, txn: string): Span | undefined {
    return this.#spans.get(`${member} ${txn}`);
  }

  /** The calls of a client's check listener about a transaction, in order. */
  calls(member: MemberName, txn: string): readonly ListenerCall[] {
    return this.#calls.get(`${member} ${txn}`) ?? [];
  }

  /**
   * The call of the listener that decides about a question: the one that it led to, or one about
   * the same transaction that was under way.
   */
  callFor({ member, txn, event, at }: FactOf<"gotCheck">): ListenerCall | undefined {
    const calls = this.calls(member, txn), wait = queueTime(this.#plan);
    return calls.find(({ asked }) => asked.event >= event && asked.at <= at + SLACK + wait) ??
      calls.find(({ asked, endedAt, endedIn }) =>
        asked.event <= event && (endedIn === Infinity ? endedAt >= at : endedIn >= event)
      );
  }

  /** Whether one of these faults, or any, is at work at any moment of a time. */
  isCalm(from: number, to: number, ...kinds: PlannedFault["kind"][]): boolean {
    return this.#disturbances.isCalm(from, to, kinds);
  }

  /**
   * Whether what a client and a broker send each other over a connection gets through at once, and
   * is acted on: the connection lives, nothing holds it up, the broker works.
   */
  isUndisturbed(
    { member, link, broker }: { member: MemberName; link: number; broker: string },
    from: number,
    to: number,
  ): boolean {
    return this.unlinkedAt(link) > to && this.leftAt(member) > to &&
      !this.#disturbances.hits(member, broker, from, to);
  }

  /** Whether something holds up what a client and a broker say to each other. */
  isHeldUp(member: MemberName, broker: string, from: number, to: number): boolean {
    return this.#disturbances.hits(member, broker, from, to);
  }

  /** Address of a broker at a moment: each promotion moves it. */
  addressOf(broker: string, at: number): string {
    const moves =
      this.#history.of("fault").filter((fault) =>
        fault.on && fault.kind === "promote" && fault.about === broker && fault.at <= at
      ).length;
    return `10.0.${1 + moves % 2}.${Number(broker.slice(1)) + 1}:10911`;
  }

  /** {@linkcode PROMPT}, with the time in the line for a look where few may be under way at once. */
  get prompt(): number {
    return PROMPT + (this.#plan.capacities?.maxQueries === undefined ? 0 : VERDICT_TIMEOUT);
  }

  /** Milliseconds within which a client must have answered what came undisturbed. */
  get answerTime(): number {
    return queueTime(this.#plan) + this.#plan.member.checkTimeout + this.prompt;
  }

  #learnSpans(): void {
    const history = this.#history;
    for (const { member, txn, event } of history.of("called")) {
      this.#spans.set(`${member} ${txn}`, { from: event, to: Infinity });
    }
    const end = (member: MemberName, txn: string, event: number) => {
      const key = `${member} ${txn}`, span = this.#spans.get(key);
      if (span) this.#spans.set(key, { ...span, to: Math.min(span.to, event) });
    };
    for (const type of ["localEnded", "settled"] as const) {
      for (const { member, txn, event } of history.of(type)) end(member, txn, event);
    }
    // A half message whose local transaction will not run is rolled back at once.
    const ran = new Set(history.of("localBegan").map(({ member, txn }) => `${member} ${txn}`));
    for (const { member, txn, state, event } of history.of("wroteVerdict")) {
      if (state === "ROLLBACK" && !ran.has(`${member} ${txn}`)) end(member, txn, event);
    }
    for (const half of history.of("wroteHalf")) {
      const reply = this.replyTo(half);
      if (reply && WEAKLY_STORED.has(reply.code)) end(half.member, half.txn, reply.event);
    }
  }

  #learnCalls(): void {
    const { checkTimeout } = this.#plan.member;
    const answers = new Map(
      this.#history.of("answered").map((fact) => [`${fact.txn} ${fact.call}`, fact]),
    );
    for (const asked of this.#history.of("asked")) {
      const { member, txn, call } = asked;
      const answer = answers.get(`${txn} ${call}`);
      // A loop says nothing where a listener throws or gives something that is no state.
      const isSaid = this.#plan.answers === "listener" ||
        (answer?.returned !== "threw" && answer?.returned !== "garbage");
      const inTime = answer !== undefined && isSaid && answer.at < asked.at + checkTimeout;
      const list = this.#calls.get(`${member} ${txn}`) ?? [];
      list.push({
        asked,
        gave: inTime ? answer.returned : "UNKNOWN",
        endedAt: inTime ? answer.at : asked.at + checkTimeout,
        endedIn: inTime ? answer.event : Infinity,
      });
      this.#calls.set(`${member} ${txn}`, list);
    }
  }
}
