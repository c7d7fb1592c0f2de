import type { EndTransactionContext, EndTransactionReport } from "./end_transaction_hooks.ts";
import type { TransactionFacts } from "./transaction_events.ts";

/** What the last answer about a transaction was, and whether it arrived. */
type Ending = keyof RecoveryCounts;

/** How many transactions came to which end, each counted once, by the last answer about it. */
export interface RecoveryCounts {
  /** Transactions that were committed. */
  committed: number;
  /** Transactions that were rolled back. */
  rolledBack: number;
  /** Transactions of which the last answer was *unknown*. */
  unknown: number;
  /** Transactions whose verdict is known and could not be delivered. */
  failed: number;
}

/** Most transactions that are remembered one by one; of an older one only the count is left. */
const MEMORY = 10_000;

/** Keeps the book of a recovery: which transactions were answered about, and how each stands. */
export class RecoveryLedger {
  /** How many transactions stand how. */
  readonly counts: RecoveryCounts = { committed: 0, rolledBack: 0, unknown: 0, failed: 0 };
  readonly #capacity: number;
  readonly #entries = new Map<string, { facts: TransactionFacts; ending: Ending }>();

  constructor(capacity: number = MEMORY) {
    this.#capacity = capacity;
  }

  /**
   * Enters an answer. What is settled stays settled: a question that was under way when its verdict
   * was confirmed is answered *unknown*, which undoes nothing.
   */
  answered(context: EndTransactionContext, report: EndTransactionReport): void {
    this.#enter(context, endingOf(context, report));
  }

  /** Enters that a commit whose answer got lost was found carried out. */
  foundCommitted(facts: TransactionFacts): void {
    this.#enter(facts, "committed");
  }

  /** The transactions that are not settled, at most `limit`, those answered about last first. */
  open(limit: number): TransactionFacts[] {
    const entries = [...this.#entries.values()].reverse();
    return entries.filter(({ ending }) => !isSettled(ending)).slice(0, limit)
      .map(({ facts }) => facts);
  }

  #enter({ transactionId, topic, brokerName }: TransactionFacts, ending: Ending): void {
    const key = `${brokerName}\n${transactionId}`;
    const known = this.#entries.get(key);
    if (known && isSettled(known.ending)) return;
    if (known) this.counts[known.ending]--;
    this.counts[ending]++;
    this.#entries.delete(key);
    this.#entries.set(key, { facts: { transactionId, topic, brokerName }, ending });
    if (this.#entries.size <= this.#capacity) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
  }
}

function endingOf({ state }: EndTransactionContext, { outcome }: EndTransactionReport): Ending {
  if (state === "UNKNOWN") return "unknown";
  if (outcome === "failed") return "failed";
  return state === "COMMIT" ? "committed" : "rolledBack";
}

function isSettled(ending: Ending): boolean {
  return ending === "committed" || ending === "rolledBack";
}
