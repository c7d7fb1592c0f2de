import { type Clock, type Deadline, sleep } from "../clock.ts";
import type { TelemetryContext } from "../telemetry.ts";
import type { HalfMessage } from "./half_message.ts";
import type { Verdict } from "./states.ts";

/** Milliseconds that aborted work has before the end of a shutdown, for its last END_TRANSACTION. */
const SHUTDOWN_GRACE_MS = 500;

/** Most brokers that are remembered for one transaction: two hold its half message at the worst. */
const MAX_BROKERS = 16;

/** Most half messages of one transaction on one broker that wait to be ended. */
const MAX_WAITING = 16;

/** A listener that took so many milliseconds may have waited for the transaction that it looks at. */
const WAITED_MS = 2;

/** Most endings with trouble that are remembered; the oldest are forgotten first. */
const MAX_TROUBLED = 10_000;

/**
 * The half messages of one transaction on one broker. Before it checks back, a broker writes the half
 * message again, so that each check-back brings another one; only the newest ends the transaction.
 */
export interface BrokerHalves {
  /** See {@linkcode brokerKeyOf}. */
  readonly broker: string;
  readonly newest: HalfMessage;
  /**
   * Earlier ones that were checked and not answered. After a restart a broker may have several of one
   * transaction, and checks each of them.
   */
  readonly others: readonly HalfMessage[];
}

interface MutableBrokerHalves extends BrokerHalves {
  newest: HalfMessage;
  others: readonly HalfMessage[];
  /** Those that check-backs brought while END_TRANSACTION was under way, the newest last. */
  waiting: HalfMessage[];
  isEnding: boolean;
}

/** What spans and message traces need of a message. */
export interface TraceFacts {
  readonly tags: string | undefined;
  readonly keys: string | undefined;
  /** Region of the broker; without one there are no traces. */
  readonly regionId: string | undefined;
  readonly traceOn: boolean;
  /** What all spans of the transaction are children of: it travels in the message. */
  readonly context: TelemetryContext | undefined;
}

/** What is done with a check-back of a transaction that is under way. */
export type LiveHandling = "stillRunning" | "joined" | "heldBack" | "repeated";

/** Shared by the many transactions that have none. */
const NONE: readonly HalfMessage[] = [];

/** The facts of a transaction that comes under way. */
interface NewTransaction {
  readonly transactionId: string;
  readonly topic: string;
  readonly step: "sending" | "checking";
  /** What is known of an earlier ending. */
  readonly known: Partial<TroubledEnding> | undefined;
  /** When its send was called, in monotonic milliseconds. */
  readonly begunAt?: number;
}

/**
 * One transaction that is under way in this process, and the only place where its state is changed:
 *
 *     sending ─▶ running ─┐
 *                         ├─▶ ending ─▶ (forgotten)
 *     checking ───────────┘
 *
 * A send goes the upper way; a check-back of a transaction that is not under way goes the lower one.
 */
export class LiveTransaction {
  readonly transactionId: string;
  readonly topic: string;
  /** When its send was called, in monotonic milliseconds; `-Infinity` for one that a broker checks. */
  readonly begunAt: number;
  /** The next one in its slot of a {@linkcode LiveTable}, which sets it. */
  nextInSlot: LiveTransaction | undefined;
  /** What traces and spans need of its message. */
  traceFacts: TraceFacts | undefined;
  #step: "sending" | "running" | "checking" | "ending";
  #localTransactionRan: boolean | undefined;
  #verdict: Verdict | undefined;
  #isSlow = false;
  #hasTrouble = false;
  #mayCoincide = false;
  #vainLooks: number;
  #isRepeated: boolean;
  #halves: MutableBrokerHalves[] = [];

  constructor({ transactionId, topic, step, known, begunAt = -Infinity }: NewTransaction) {
    this.transactionId = transactionId;
    this.topic = topic;
    this.begunAt = begunAt;
    this.#step = step;
    this.#localTransactionRan = known?.localTransactionRan;
    this.#vainLooks = known?.vainLooks ?? 0;
    this.#isRepeated = known?.verdict !== undefined;
  }

  /** `false` when it was not run, or not yet; `undefined` when this process does not know. */
  get localTransactionRan(): boolean | undefined {
    return this.#localTransactionRan;
  }

  /** Commit or rollback, once that is decided. */
  get verdict(): Verdict | undefined {
    return this.#verdict;
  }

  /** Whether this process has sent commit or rollback before. */
  get isRepeated(): boolean {
    return this.#isRepeated;
  }

  /** Check-backs whose COMMIT was put off, because its broker did not tell whether the message is visible. */
  get vainLooks(): number {
    return this.#vainLooks;
  }

  /**
   * Whether the member that sent it may commit it at this moment: the listener took so long that it may
   * have waited until the local transaction released its lock on the record.
   */
  get mayCoincide(): boolean {
    return this.#mayCoincide;
  }

  /**
   * Whether commit or rollback could not be delivered to a broker, or a surplus half message was dropped:
   * a check round that crossed that brings another one, which is dropped without calling the listener. A
   * listener as slow as the rounds would cross each of them.
   */
  get hasTrouble(): boolean {
    return this.#hasTrouble;
  }

  /** The half message that was heard of last. */
  get newest(): HalfMessage {
    return this.#halves[0]!.newest;
  }

  /** Takes what the answer to the send says. What a check-back brought meanwhile is newer. */
  stored(half: HalfMessage): void {
    if (this.#halves.length === 0) this.#halves = [halvesOf(half)];
  }

  /** The local transaction begins: from now on it counts as run. */
  running(): void {
    this.#step = "running";
    this.#localTransactionRan = true;
  }

  /** Takes the half message that a check-back brought, and says what is to be done with it. */
  checked(half: HalfMessage): LiveHandling {
    const halves = this.#halvesOn(half);
    if (this.#step === "ending" && halves.isEnding) {
      if (halves.waiting.length === MAX_WAITING) halves.waiting.shift();
      halves.waiting.push(half);
      return "heldBack";
    }
    if (this.#step === "ending") {
      halves.newest = half;
      return "repeated";
    }
    if (this.#step === "checking") {
      if (halves.newest !== half) {
        halves.others = [...halves.others.slice(1 - MAX_WAITING), halves.newest];
        halves.newest = half;
      }
      return "joined";
    }
    halves.newest = half;
    const at = this.#halves.indexOf(halves);
    if (at > 0) this.#halves.unshift(...this.#halves.splice(at, 1));
    return "stillRunning";
  }

  /** Reports whether it is the first time that the broker checks while the local transaction runs. */
  becomesSlow(): boolean {
    if (this.#isSlow || this.#step !== "running") return false;
    return this.#isSlow = true;
  }

  /**
   * Decides. Gives what is to be ended: of a send, on the broker that was heard of last; of a
   * check-back, on each broker that checked.
   */
  end(verdict: Verdict): readonly BrokerHalves[] {
    const ending = this.#step === "checking" ? this.#halves : this.#halves.slice(0, 1);
    this.#step = "ending";
    this.#verdict = verdict;
    for (const halves of ending) halves.isEnding = true;
    return ending;
  }

  /** Begins to end it on one more broker, which checked after the others. */
  endAlso(half: HalfMessage): BrokerHalves {
    const halves = this.#halvesOn(half);
    halves.isEnding = true;
    return halves;
  }

  /** Reports whether a broker has not checked it with another half message since. */
  isNewest(half: HalfMessage): boolean {
    const broker = brokerKeyOf(half);
    const halves = this.#halves.find((known) => known.broker === broker);
    return halves === undefined || halves.newest === half;
  }

  /** Takes how many milliseconds the listener took to answer the check-back. */
  answered(duration: number): void {
    if (duration >= WAITED_MS) this.#mayCoincide = true;
  }

  /** The COMMIT is put off to the next check-back. */
  putOff(): void {
    this.#vainLooks++;
  }

  /** The brokers that checked, for an answer that leaves the transaction open. */
  checkedOn(): readonly BrokerHalves[] {
    return this.#halves;
  }

  /** Reports whether a newer half message came than the one that END_TRANSACTION is under way for. */
  isSuperseded(halves: BrokerHalves): boolean {
    return (halves as MutableBrokerHalves).waiting.length > 0;
  }

  /** Makes the newest of those that came meanwhile the one to end. False when none came. */
  takeWaiting(halves: BrokerHalves, isEnded: boolean): boolean {
    const known = halves as MutableBrokerHalves, newest = known.waiting.pop();
    if (!newest) return false;
    this.#isRepeated = true;
    const last = !isEnded && known.newest.fromCheck ? [known.newest] : [];
    known.others = [...known.others, ...last, ...known.waiting].slice(-MAX_WAITING);
    known.newest = newest;
    known.waiting = [];
    return true;
  }

  /** END_TRANSACTION is over on one broker. True when it is over on all of them. */
  ended(halves: BrokerHalves, hasTrouble: boolean): boolean {
    (halves as MutableBrokerHalves).isEnding = false;
    if (hasTrouble) this.#hasTrouble = true;
    return !this.#halves.some(({ isEnding }) => isEnding);
  }

  #halvesOn(half: HalfMessage): MutableBrokerHalves {
    const broker = brokerKeyOf(half);
    for (const halves of this.#halves) if (halves.broker === broker) return halves;
    const halves = halvesOf(half);
    if (this.#halves.length === MAX_BROKERS) {
      const at = this.#halves.findIndex(({ isEnding }) => !isEnding);
      this.#halves.splice(at < 0 ? MAX_BROKERS - 1 : at, 1);
    }
    this.#halves.push(halves);
    return halves;
  }
}

/** What is remembered of a transaction whose end had trouble. */
export interface TroubledEnding {
  /** Commit or rollback, where that was decided and its broker checks again. */
  readonly verdict: Verdict | undefined;
  readonly localTransactionRan: boolean | undefined;
  /** See {@linkcode LiveTransaction.vainLooks}. */
  readonly vainLooks: number;
}

/**
 * The transactions that this process knows: those that are under way, and a bounded number of endings
 * with trouble. About anything else the truth is in the application's database and in the broker's
 * index, and both are asked.
 */
export class TransactionBook {
  readonly #live = new LiveTable();
  readonly #troubled = new Map<string, TroubledEnding>();
  readonly #maxTroubled: number;

  constructor(maxTroubled: number = MAX_TROUBLED) {
    this.#maxTroubled = maxTroubled;
  }

  /** The transaction of an id, while it is under way. */
  find(transactionId: string): LiveTransaction | undefined {
    return this.#live.get(transactionId);
  }

  /** What is remembered of an ending with trouble. */
  trouble(transactionId: string): TroubledEnding | undefined {
    return this.#troubled.get(transactionId);
  }

  /** Enters a transaction that is about to be sent, whose send was called at `begunAt`. */
  send(transactionId: string, topic: string, begunAt: number): LiveTransaction {
    const known = { localTransactionRan: false };
    return this.#enter(
      new LiveTransaction({ transactionId, topic, step: "sending", known, begunAt }),
    );
  }

  /** Enters a transaction that a broker checks and that is not under way. */
  check(transactionId: string, topic: string): LiveTransaction {
    const known = this.#troubled.get(transactionId);
    return this.#enter(new LiveTransaction({ transactionId, topic, step: "checking", known }));
  }

  /** Forgets a transaction that stays open; what is known of an earlier trouble stays. */
  leave(live: LiveTransaction): void {
    this.#live.delete(live);
  }

  /**
   * Forgets a transaction that has ended, but for the trouble that it may have had. That its local
   * transaction did not run is known here only: a listener that looks for a business key could find the
   * row of its caller's next attempt.
   */
  leaveEnded(live: LiveTransaction): void {
    if (live.hasTrouble || live.localTransactionRan === false) return this.leaveTroubled(live);
    this.#live.delete(live);
    if (this.#troubled.size > 0) this.#troubled.delete(live.transactionId);
  }

  /** Forgets a transaction but for what is known of its end. */
  leaveTroubled(live: LiveTransaction): void {
    const { transactionId, verdict, localTransactionRan, vainLooks } = live;
    this.#live.delete(live);
    this.#troubled.delete(transactionId);
    this.#troubled.set(transactionId, { verdict, localTransactionRan, vainLooks });
    if (this.#troubled.size <= this.#maxTroubled) return;
    for (const oldest of this.#troubled.keys()) {
      this.#troubled.delete(oldest);
      break;
    }
  }

  #enter(live: LiveTransaction): LiveTransaction {
    this.#live.add(live);
    return live;
  }
}

/** Slots at first: a power of two. */
const FIRST_SLOTS = 64;

/** More slots than these are not kept once they are all empty. */
const KEPT_SLOTS = 4_096;

/**
 * Keeps the transactions that are under way by their ids. A `Map` rehashes while entries come and go, and
 * its old tables keep what has ended alive until the next major collection: that costs a sixth of a
 * transaction. Here a slot is cleared and used again.
 */
class LiveTable {
  #slots = emptySlots(FIRST_SLOTS);
  #size = 0;

  get(transactionId: string): LiveTransaction | undefined {
    let found = this.#slots[slotOf(transactionId, this.#slots.length)];
    while (found && found.transactionId !== transactionId) found = found.nextInSlot;
    return found;
  }

  add(live: LiveTransaction): void {
    if (++this.#size > this.#slots.length) this.#grow();
    put(this.#slots, live);
  }

  /** Takes one out, if it is there. */
  delete(live: LiveTransaction): void {
    const slots = this.#slots, slot = slotOf(live.transactionId, slots.length);
    let before: LiveTransaction | undefined, found = slots[slot];
    for (; found !== live; found = found.nextInSlot) {
      if (!found) return;
      before = found;
    }
    if (before) before.nextInSlot = live.nextInSlot;
    else slots[slot] = live.nextInSlot;
    live.nextInSlot = undefined;
    if (--this.#size === 0 && slots.length > KEPT_SLOTS) this.#slots = emptySlots(FIRST_SLOTS);
  }

  #grow(): void {
    const slots = emptySlots(2 * this.#slots.length);
    for (let live of this.#slots) {
      while (live) {
        const next: LiveTransaction | undefined = live.nextInSlot;
        put(slots, live);
        live = next;
      }
    }
    this.#slots = slots;
  }
}

type Slots = (LiveTransaction | undefined)[];

function emptySlots(count: number): Slots {
  return new Array<LiveTransaction | undefined>(count).fill(undefined);
}

function put(slots: Slots, live: LiveTransaction): void {
  const slot = slotOf(live.transactionId, slots.length);
  live.nextInSlot = slots[slot];
  slots[slot] = live;
}

/** Scatters ids over slots. Those of one producer count up in their last digits. */
function slotOf(transactionId: string, slots: number): number {
  let hash = 0;
  for (let i = Math.max(0, transactionId.length - 12); i < transactionId.length; i++) {
    hash = Math.imul(hash, 31) + transactionId.charCodeAt(i) | 0;
  }
  return (hash ^ hash >>> 16) & (slots - 1);
}

/**
 * Tells the brokers apart that hold half messages of one transaction. A slave that was promoted has the
 * name of its master, and the offsets, too: to a producer it is the same broker. One without a name, as
 * in check-backs of old brokers that no route names any more, goes by its address.
 */
function brokerKeyOf({ brokerName, connection }: HalfMessage): string {
  return brokerName || `at ${connection?.address}`;
}

function halvesOf(newest: HalfMessage): MutableBrokerHalves {
  return { broker: brokerKeyOf(newest), newest, others: NONE, waiting: [], isEnding: false };
}

/** Counts what is under way, and tells when nothing is. */
export class Idle {
  #count = 0;
  #wake: (() => void)[] = [];

  get size(): number {
    return this.#count;
  }

  /** Counts one more. {@linkcode Idle.end} has to follow. */
  begin(): void {
    this.#count++;
  }

  end(): void {
    if (--this.#count > 0 || this.#wake.length === 0) return;
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Waits until nothing is under way. */
  async wait(): Promise<void> {
    while (this.#count > 0) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }
}

/**
 * Waits for `work` until shortly before the deadline. When that passes, calls `giveUp`, and leaves
 * what it aborts the rest of the time. Returns whether the work ended by itself.
 */
export async function finishWithin(
  deadline: Deadline,
  work: Promise<unknown>,
  clock: Clock,
  giveUp: () => void,
): Promise<boolean> {
  const done = new AbortController();
  work.then(() => done.abort());
  const wait = (delay: number) => sleep(clock, delay, done.signal).catch(() => {});
  const grace = Math.min(SHUTDOWN_GRACE_MS, deadline.remaining / 2);
  await wait(deadline.remaining - grace);
  if (done.signal.aborted) return true;
  giveUp();
  await wait(deadline.remaining);
  return false;
}
