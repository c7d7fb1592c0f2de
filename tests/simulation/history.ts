import type { CheckHandling, TransactionInspection } from "../../mod.ts";
import type { Way } from "./plan.ts";

/** By what a broker knows a half message. */
export interface Handle {
  /** Position in the half topic's queue. */
  queueOffset: number;
  /** Position in the commit log. */
  logOffset: number;
}

/** A verdict as it stands in END_TRANSACTION. */
export type WireState = "COMMIT" | "ROLLBACK" | "UNKNOWN";

/** What a listener gave: a state, or one of the ways to give none. */
export type Returned = WireState | "threw" | "garbage";

/** What a client of the group is called: slot and generation, `c0.1`. */
export type MemberName = string;

/** Everything that the checker looks at, one type for each kind of fact. */
export type Fact =
  /** The life of a client. `closed` tells what it still held when `shutdown()` had resolved. */
  | { type: "started" | "killed" | "closing"; member: MemberName; deadline?: number }
  | { type: "closed"; member: MemberName; timers: number; links: number; held: number }
  /** What a client holds when everything has come to rest: all but `timers` should be nothing. */
  | {
    type: "rested";
    member: MemberName;
    /** Timers that are set. */
    timers: number;
    /** Connections that are open. */
    links: number;
    /** Check-backs that wait for the listener, or that it works on. */
    held: number;
    /** Sends, transactions and requests that have not ended. */
    inFlight: number;
  }
  /** A call of `sendMessageInTransaction`, its local transaction, and how the call settled. */
  | { type: "called"; member: MemberName; txn: string; timeout: number; way?: Way }
  | { type: "localBegan"; member: MemberName; txn: string }
  | { type: "recorded"; txn: string; state: "COMMIT" | "ROLLBACK" }
  | { type: "localEnded"; member: MemberName; txn: string; returned: Returned }
  | {
    type: "settled";
    member: MemberName;
    txn: string;
    outcome: "sent" | "failed" | "indeterminate" | "refused";
    endTransaction?: "confirmed" | "sent" | "failed";
    reason?: string;
  }
  /** A call of the check listener. */
  | {
    type: "asked";
    member: MemberName;
    txn: string;
    call: number;
    ran: boolean | undefined;
    /** Milliseconds that the listener will take; Infinity when it never ends. */
    takes: number;
    /** The message is not the one that was sent. */
    isAltered?: boolean;
  }
  | { type: "answered"; member: MemberName; txn: string; call: number; returned: Returned }
  /** What went over a connection, as the client's end saw it. */
  | { type: "dialling" | "dialled" | "dialFailed"; member: MemberName; address: string }
  | { type: "linked"; member: MemberName; link: number; address: string; broker?: string }
  | { type: "unlinked"; member: MemberName; link: number; by: "client" | "fault" }
  | { type: "wroteHalf"; member: MemberName; link: number; txn: string; opaque: number }
  | {
    type: "wroteVerdict";
    member: MemberName;
    link: number;
    broker: string;
    txn: string;
    opaque: number;
    state: WireState;
    handle: Handle;
    fromCheck: boolean;
    oneway: boolean;
    group: string;
  }
  | {
    type: "wroteOther";
    member: MemberName;
    link: number;
    opaque: number;
    code: number;
    /** What is looked for, when a message is looked for by its key, and in which topic. */
    txn?: string;
    topic?: string;
  }
  | {
    type: "gotReply";
    member: MemberName;
    link: number;
    opaque: number;
    code: number;
    /** The place of a half message, when it names one. */
    handle?: Handle;
  }
  | {
    type: "gotCheck";
    member: MemberName;
    link: number;
    broker: string;
    txn: string;
    handle: Handle;
  }
  /** What brokers did. */
  | {
    type: "stored";
    broker: string;
    txn: string;
    handle: Handle;
    checks: number;
    /** Place in the log of the record that it was put back from, if that was on this broker. */
    of?: number;
    /** It was put back for its immunity, and nobody is asked. */
    isImmune?: boolean;
    /** An operator had it put back after it was discarded. */
    isResumed?: boolean;
  }
  | { type: "visible" | "rolledBack"; broker: string; txn: string; handle: Handle; link: number }
  /** `handle` is that of the record that was put aside. */
  | { type: "givenUp"; broker: string; txn: string; handle?: Handle }
  | {
    type: "lost";
    broker: string;
    txn: string;
    what: "half" | "visible" | "mark";
    /** Place in the log of the half message's record. */
    logOffset: number;
  }
  /** A broker forgot a client that was silent for too long. */
  | { type: "expired"; broker: string; member: MemberName }
  /** What a client did with a question, and how many wait and are worked on then. */
  | {
    type: "queued";
    member: MemberName;
    txn: string;
    broker: string;
    handling: CheckHandling;
    waiting: number;
    running: number;
  }
  /** An application answered a check-back with something that is no state. */
  | {
    type: "misused";
    member: MemberName;
    txn: string;
    call: number;
    /** Name of the error that it got; absent when it got none. */
    refusal?: string;
    /** Whether the check-back can be answered no more. */
    isAnswered: boolean;
  }
  /** A hook was called. */
  | {
    type: "hook";
    member: MemberName;
    around: "send" | "verdict";
    step: "before" | "after";
    id: string;
  }
  /** What an operator wanted of a client, and what he got. */
  | { type: "inspecting" | "resuming"; member: MemberName; txn: string; broker?: string }
  | {
    type: "inspected";
    member: MemberName;
    txn: string;
    /** What the client says; absent when it could not. */
    state?: TransactionInspection["state"];
    copies?: number;
    broker?: string;
  }
  | { type: "resumed"; member: MemberName; txn: string; error?: string }
  /** A recovery has begun, and has ended by itself, with the number of transactions. */
  | { type: "recovering"; member: MemberName }
  | {
    type: "recovered";
    member: MemberName;
    committed: number;
    rolledBack: number;
    open: number;
  }
  /** Plain sends, by the name of their first message. */
  | { type: "plainCalled"; member: MemberName; name: string; how: string; timeout: number }
  | {
    type: "wrotePlain";
    member: MemberName;
    link: number;
    name: string;
    opaque: number;
    oneway: boolean;
  }
  | { type: "plainStored"; broker: string; name: string; count: number }
  | {
    type: "plainSettled";
    member: MemberName;
    name: string;
    outcome: "sent" | "failed";
    reason?: string;
  }
  /** A fault that the plan wants begins or ends; `about` names the server or client that it hits. */
  | { type: "fault"; kind: string; about: string; on: boolean }
  /** Something that must never happen. */
  | { type: "unhandled"; member: MemberName; error: string };

/** A fact, when it came to be, and within which event. */
export type Recorded = Fact & { readonly at: number; readonly event: number };

/** All facts of one kind. */
export type FactOf<T extends Fact["type"]> = OfKind<Recorded, T>;

type OfKind<F, T> = F extends { type: infer K } ? (T extends K ? F : never) : never;

/** What happened in one simulation, in order, with a hash over all of it. */
export class History {
  readonly #facts: Recorded[] = [];
  readonly #byType = new Map<string, Recorded[]>();
  #low = 0x811c9dc5;
  #high = 0x1b873593;

  /** All facts in order. */
  get facts(): readonly Recorded[] {
    return this.#facts;
  }

  /** The hash: equal for two simulations in which the same happened. */
  get hash(): string {
    return [this.#high, this.#low].map((part) => (part >>> 0).toString(16).padStart(8, "0"))
      .join("");
  }

  /** Enters a fact. */
  add(fact: Fact, at: number, event: number): void {
    const recorded = Object.assign(fact, { at, event });
    this.#facts.push(recorded);
    const list = this.#byType.get(fact.type);
    if (list) list.push(recorded);
    else this.#byType.set(fact.type, [recorded]);
    this.#mix(JSON.stringify(recorded));
  }

  /** The facts of one kind, in order. */
  of<T extends Fact["type"]>(type: T): readonly FactOf<T>[] {
    return (this.#byType.get(type) ?? []) as unknown as FactOf<T>[];
  }

  #mix(text: string): void {
    let low = this.#low, high = this.#high;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul((high << 5) - high ^ code, 0x9e3779b1);
    }
    this.#low = low;
    this.#high = high;
  }
}
