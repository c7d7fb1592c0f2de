import { LatencyHistogram, type LatencySummary } from "./latency_histogram.ts";
import {
  type InspectedState,
  type InspectedStep,
  isSettled,
  type StepFacts,
  type TransactionDetail,
  type TransactionSummary,
} from "./record.ts";

/** Most steps of one transaction: the first ones and the newest are kept. */
const MAX_STEPS = 100;
/** How many of the first steps are kept when there are too many. */
const FIRST_STEPS = 20;
/** Most characters of a text that came from outside. */
const MAX_TEXT = 512;
/** Most keys of a message. */
const MAX_KEYS = 8;

/** What was counted since the inspector began, over all transactions that it ever saw. */
export interface InspectorCounters {
  /** Transactions. */
  readonly transactions: number;
  /** Those that stand so now; the ones that were forgotten since stay counted, but for open ones. */
  readonly states: Readonly<Record<InspectedState, number>>;
  /** Check-backs. */
  readonly checks: number;
  /** Messages that became visible more than once. */
  readonly surplusCopies: number;
  /** Transactions that are not kept any more. */
  readonly forgotten: number;
}

/** A transaction as it is kept: {@linkcode TransactionDetail}, written to. */
interface Entry {
  readonly id: string;
  change: number;
  state: InspectedState;
  topic: string;
  group: string;
  broker: string;
  keys: readonly string[];
  checks: number;
  copies: number;
  startedAt: number;
  begunAt: number | undefined;
  endedAt: number | undefined;
  readonly steps: InspectedStep[];
  droppedSteps: number;
}

/**
 * The transactions that changed last, so many and no more: one that is still asked about changes,
 * and is kept while others are forgotten.
 */
export class TransactionLog {
  readonly #limit: number;
  /** The one that changed last is last. */
  readonly #entries = new Map<string, Entry>();
  readonly #latency = new LatencyHistogram();
  readonly #states: Record<InspectedState, number> = {
    open: 0,
    visible: 0,
    rolledBack: 0,
    givenUp: 0,
    notSent: 0,
    notFound: 0,
  };
  #transactions = 0;
  #checks = 0;
  #surplusCopies = 0;
  #forgotten = 0;
  #change = 0;

  /** @param limit Most transactions that are kept. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Number of the last change. */
  get lastChange(): number {
    return this.#change;
  }

  /** How many transactions are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** Takes note of what happened, at a time in milliseconds since 1970. */
  add(facts: StepFacts, now: number): void {
    const at = facts.step?.at ?? now;
    const entry = this.#entries.get(facts.id) ?? this.#open(facts.id, at);
    entry.topic ||= shorten(facts.topic ?? "");
    entry.group ||= shorten(facts.group ?? "");
    if (facts.broker) entry.broker = shorten(facts.broker);
    if (facts.keys && entry.keys.length === 0) {
      entry.keys = facts.keys.slice(0, MAX_KEYS).map(shorten);
    }
    if (facts.begins) entry.begunAt ??= at;
    entry.startedAt = Math.min(entry.startedAt, at);
    this.#count(entry, facts);
    if (facts.state !== undefined) {
      this.#turn(entry, facts.state, facts.endsEarlier ? undefined : at);
    }
    if (facts.step) this.#insert(entry, facts.step);
    entry.change = ++this.#change;
    this.#entries.delete(entry.id);
    this.#entries.set(entry.id, entry);
    this.#forget();
  }

  /** Whether a transaction is kept. */
  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** What is known of a transaction. */
  detail(id: string): TransactionDetail | undefined {
    const entry = this.#entries.get(id);
    return entry &&
      { ...summaryOf(entry), steps: [...entry.steps], droppedSteps: entry.droppedSteps };
  }

  /** Up to `limit` transactions that changed after a change, the oldest change first. */
  changedAfter(change: number, limit: number): TransactionSummary[] {
    const found: TransactionSummary[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.change <= change) continue;
      found.push(summaryOf(entry));
      if (found.length === limit) break;
    }
    return found;
  }

  /** What was counted. */
  counters(): InspectorCounters {
    return {
      transactions: this.#transactions,
      states: { ...this.#states },
      checks: this.#checks,
      surplusCopies: this.#surplusCopies,
      forgotten: this.#forgotten,
    };
  }

  /** How long transactions took. */
  latency(): LatencySummary {
    return this.#latency.summary();
  }

  #open(id: string, at: number): Entry {
    this.#transactions++;
    this.#states.open++;
    return {
      ...{ id, change: 0, state: "open", topic: "", group: "", broker: "", keys: [] },
      ...{ checks: 0, copies: 0, startedAt: at, begunAt: undefined, endedAt: undefined },
      steps: [],
      droppedSteps: 0,
    };
  }

  #count(entry: Entry, { checks, newCopies = 0, copies = entry.copies + newCopies }: StepFacts) {
    if (checks !== undefined && checks > entry.checks) {
      this.#checks += checks - entry.checks;
      entry.checks = checks;
    }
    if (copies > entry.copies) {
      this.#surplusCopies += Math.max(0, copies - 1) - Math.max(0, entry.copies - 1);
      entry.copies = copies;
    }
  }

  /**
   * What is visible stays visible, whatever else is said of another copy, and what was rolled back
   * does not wait again; what was given up may be put back.
   */
  #turn(entry: Entry, state: InspectedState, at: number | undefined): void {
    if (entry.state === state || entry.state === "visible") return;
    if (state === "open" && entry.state === "rolledBack") return;
    this.#states[entry.state]--;
    this.#states[state]++;
    entry.state = state;
    entry.endedAt = isSettled(state) ? at : undefined;
    const isDecided = state === "visible" || state === "rolledBack";
    if (!isDecided || at === undefined || entry.begunAt === undefined) return;
    this.#latency.add(Math.max(0, at - entry.begunAt));
  }

  #insert(entry: Entry, step: InspectedStep): void {
    const { steps } = entry;
    if (step.side === "verdict") {
      steps.forEach((other, i) => {
        if (other.side !== "beforeVerdict" || other.at <= step.at) return;
        steps[i] = { ...other, at: step.at }; // A producer is heard a moment later than a broker.
      });
    }
    let place = steps.length;
    while (place > 0 && comesBefore(step, steps[place - 1]!)) place--;
    let { at } = step;
    const verdict = step.side === "beforeVerdict" ? steps.findIndex(isVerdict) : -1;
    if (verdict >= 0 && verdict < place) {
      place = verdict;
      at = Math.min(at, steps[verdict]!.at);
    }
    const [title, detail] = [shorten(step.title), shorten(step.detail)];
    steps.splice(place, 0, { ...step, at, title, detail });
    if (steps.length <= MAX_STEPS) return;
    steps.splice(FIRST_STEPS, 1);
    entry.droppedSteps++;
  }

  #forget(): void {
    for (const [id, { state }] of this.#entries) {
      if (this.#entries.size <= this.#limit) return;
      this.#entries.delete(id);
      this.#forgotten++;
      if (!isSettled(state)) this.#states[state]--;
    }
  }
}

function isVerdict({ side }: InspectedStep): boolean {
  return side === "verdict";
}

/** Whether a step that is told of later has its place before another one. */
function comesBefore(step: InspectedStep, other: InspectedStep): boolean {
  return step.at < other.at || (step.at === other.at && !step.isEffect && other.isEffect);
}

function summaryOf(entry: Entry): TransactionSummary {
  const { id, change, state, topic, group, broker, keys, checks, copies } = entry;
  const { startedAt, begunAt, endedAt } = entry;
  return {
    ...{ id, change, state, topic, group, broker, keys, checks, copies, startedAt },
    isWhole: begunAt !== undefined,
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}

function shorten(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}
