import type { ObservedMessage } from "../producer/mod.ts";
import type { HalfMessage } from "./half_message.ts";
import type { Verdict } from "./local_transaction_state.ts";

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
  readonly halfMessages: Map<string, HalfMessage>;
  /** The half message that was heard of last while the local part was under way. */
  newest?: HalfMessage;
  /** The verdict, once one was sent: one for all brokers. It never changes. */
  verdict?: Verdict;
  /** Whether the broker has asked while its local transaction ran. */
  isSlow?: boolean;
  /** What those who look on remember of its message. */
  observed?: ObservedMessage | undefined;
}

/**
 * The transactions that this producer has to do with. Those that are under way are always kept; of
 * those that are over the last `capacity` are remembered.
 */
export class TransactionTable {
  readonly #capacity: number;
  readonly #active = new Map<string, TransactionRecord>();
  readonly #past = new Map<string, TransactionRecord>();

  constructor(capacity = 20_000) {
    this.#capacity = capacity;
  }

  /** Transactions that are under way. */
  get activeSize(): number {
    return this.#active.size;
  }

  get(transactionId: string): TransactionRecord | undefined {
    return this.#active.get(transactionId) ?? this.#past.get(transactionId);
  }

  /** Enters a transaction, or moves a past one back, as one that is under way. */
  activate(record: TransactionRecord): void {
    this.#past.delete(record.transactionId);
    this.#active.set(record.transactionId, record);
  }

  /** Moves a transaction to those that may be forgotten, once nothing of it is under way. */
  retire(record: TransactionRecord): void {
    if (isUnderWay(record)) return;
    this.#active.delete(record.transactionId);
    this.#past.delete(record.transactionId);
    this.#past.set(record.transactionId, record);
    if (this.#past.size <= this.#capacity) return;
    for (const oldest of this.#past.keys()) {
      this.#past.delete(oldest);
      break;
    }
  }
}

function isUnderWay({ phase, halfMessages }: TransactionRecord): boolean {
  return phase !== "over" || halfMessages.values().some(({ phase }) => phase !== "idle");
}
