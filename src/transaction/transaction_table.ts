import type { Connection } from "../transport/mod.ts";
import type { Verdict } from "./local_transaction_state.ts";

/** By what a broker knows a half message: a verdict names it by nothing else. */
export interface HalfMessageHandle {
  /** Name of the broker. */
  readonly brokerName: string;
  /** The connection that it was learned on. */
  readonly connection: Connection;
  /** Position of the record in the half topic's queue. */
  readonly tranStateTableOffset: bigint;
  /** Position of the record in the commit log. */
  readonly commitLogOffset: bigint;
  /** Whether it came with a check-back; else it came with the answer to the send. */
  readonly fromCheck: boolean;
  /** When it came, in monotonic milliseconds. */
  readonly receivedAt: number;
}

/** What this producer knows of one transaction. */
export interface TransactionRecord {
  /** The id. */
  readonly transactionId: string;
  /** Topic of its message. */
  readonly topic: string;
  /**
   * - `sending`: the half message is on its way.
   * - `running`: the local transaction runs.
   * - `open`: nothing runs here and nothing is decided: the listener may be asked.
   * - `waiting`: a verdict is about to leave on the newest handle, perhaps after a wait for the next
   *   check-back, see `VerdictTiming`.
   * - `ending`: a verdict is on its way.
   * - `settled`: a verdict was sent, whatever became of it.
   */
  phase: "sending" | "running" | "open" | "waiting" | "ending" | "settled";
  /** Whether its local transaction was run by this producer; undefined when it did not send it. */
  localTransactionRan: boolean | undefined;
  /** The newest handle. Each check-back brings another, and only the newest ends the transaction. */
  handle?: HalfMessageHandle;
  /** Ends the wait of phase `waiting`, if there is one. */
  wake?: () => void;
  /** A check-back that came while the verdict was on its way. */
  heldBack?: HalfMessageHandle;
  /** The verdict, once one was sent. It never changes. */
  verdict?: Verdict;
  /** The connections on which brokers confirmed a commit: several, where a half message was copied. */
  committedOn?: WeakSet<Connection>;
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

  /** Moves a transaction to those that may be forgotten. */
  retire(record: TransactionRecord): void {
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
