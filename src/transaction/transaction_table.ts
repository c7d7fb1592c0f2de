import type { ObservedMessage } from "../producer/mod.ts";
import type { HalfMessage } from "./half_message.ts";
import type { Verdict } from "./local_transaction_state.ts";
import { type PastTransaction, restore, summarize } from "./past_transaction.ts";

/** What this producer knows of one transaction. */
export interface TransactionRecord {
  /** The id. */
  readonly transactionId: string;
  /** Topic of its message. */
  readonly topic: string;
  /**
   * - `sending`: the half message is on its way.
   * - `running`: the local transaction runs.
   * - `over`: nothing runs here. Without a verdict, the listener may be asked.
   */
  phase: "sending" | "running" | "over";
  /** Whether its local transaction was run by this producer; undefined when it did not send it. */
  localTransactionRan: boolean | undefined;
  /** Its half message on each broker that is known to hold it. */
  readonly halfMessages: HalfMessage[];
  /** The half message that was heard of last while the local part was under way. */
  newest?: HalfMessage;
  /** The verdict, once one was sent: one for all brokers. It never changes. */
  verdict?: Verdict;
  /** Whether the broker has asked while its local transaction ran. */
  isSlow?: boolean;
  /** What those who look on remember of its message. */
  observed?: ObservedMessage | undefined;
  /** Where the table remembers it, while it may be forgotten. */
  place?: number | undefined;
}

/**
 * The transactions that this producer has to do with. Those that are under way are always kept; of
 * those that are over, the ones of the last `capacity` endings are remembered.
 */
export class TransactionTable {
  readonly #capacity: number;
  readonly #transactions = new Map<string, TransactionRecord | PastTransaction>();
  /** The ids of those that are over, in the order in which they ended, round and round. */
  readonly #past: string[] = [];
  #next = 0;

  constructor(capacity = 20_000) {
    this.#capacity = capacity;
  }

  get(transactionId: string): TransactionRecord | undefined {
    const known = this.#transactions.get(transactionId);
    if (!known || "phase" in known) return known;
    const record = restore(transactionId, known);
    this.#transactions.set(transactionId, record);
    return record;
  }

  /** Enters a transaction, or takes a past one back, as one that is under way. */
  activate(record: TransactionRecord): void {
    record.place = undefined;
    this.#transactions.set(record.transactionId, record);
  }

  /** Moves a transaction to those that may be forgotten, once nothing of it is under way. */
  retire(record: TransactionRecord): void {
    if (isUnderWay(record)) return;
    const place = this.#next, oldest = this.#past[place];
    if (oldest !== undefined && this.#transactions.get(oldest)?.place === place) {
      this.#transactions.delete(oldest);
    }
    this.#past[place] = record.transactionId;
    this.#next = (place + 1) % this.#capacity;
    record.place = place;
    this.#transactions.set(record.transactionId, summarize(record, place) ?? record);
  }
}

function isUnderWay({ phase, halfMessages }: TransactionRecord): boolean {
  return phase !== "over" || halfMessages.some(({ phase }) => phase !== "idle");
}
