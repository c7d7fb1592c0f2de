import type { FactOf, History, MemberName } from "../history.ts";
import type { Plan } from "../plan.ts";

/** A reply that a client got. */
type Reply = FactOf<"gotReply">;

/** Response codes with which a broker refuses a verdict surely and perhaps for now only. */
export const REFUSALS: ReadonlySet<number> = new Set([2, 11, 14, 215]);

/** Questions about a history that several invariants ask. */
export class Timeline {
  readonly #plan: Plan;
  readonly #replies = new Map<string, Reply>();
  readonly #unlinkedAt = new Map<number, FactOf<"unlinked">>();
  readonly #left = new Map<MemberName, { at: number; event: number }>();
  readonly #faults: (readonly [from: number, to: number])[];

  constructor(plan: Plan, history: History) {
    this.#plan = plan;
    for (const reply of history.of("gotReply")) {
      this.#replies.set(`${reply.link} ${reply.opaque}`, reply);
    }
    for (const fact of history.of("unlinked")) this.#unlinkedAt.set(fact.link, fact);
    for (const type of ["killed", "closing"] as const) {
      for (const fact of history.of(type)) {
        const known = this.#left.get(fact.member);
        if (!known || fact.at < known.at) this.#left.set(fact.member, fact);
      }
    }
    this.#faults = plan.faults.map((fault) => [
      fault.at,
      fault.at + ("lasts" in fault ? fault.lasts : 0),
    ]);
  }

  /** The reply to a request, when the client got one. */
  replyTo({ link, opaque }: { link: number; opaque: number }): Reply | undefined {
    return this.#replies.get(`${link} ${opaque}`);
  }

  /** When a connection ended; Infinity when it did not. */
  unlinkedAt(link: number): number {
    return this.#unlinkedAt.get(link)?.at ?? Infinity;
  }

  /** The number of the event in which a connection ended; Infinity when it did not. */
  unlinkedIn(link: number): number {
    return this.#unlinkedAt.get(link)?.event ?? Infinity;
  }

  /** When a client was killed or began to shut down; Infinity when it did not. */
  leftAt(member: MemberName): number {
    return this.#left.get(member)?.at ?? Infinity;
  }

  /** Whether no fault is at work at any moment of a time. */
  isCalm(from: number, to: number): boolean {
    return this.#faults.every(([begin, end]) => end < from || begin > to);
  }

  /** Whether a client could work undisturbed on what came over a connection. */
  isUndisturbed(
    { member, link }: { member: MemberName; link: number },
    from: number,
    to: number,
  ): boolean {
    return this.isCalm(from, to) && this.unlinkedAt(link) > to && this.leftAt(member) > to;
  }

  /** Milliseconds within which a client must have answered what came undisturbed. */
  get answerTime(): number {
    const { member: { checkTimeout }, broker: { interval } } = this.#plan;
    // A verdict may wait for the next round, which may be late by a second.
    return checkTimeout + interval + 6_000;
  }
}
