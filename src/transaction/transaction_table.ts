import type { TelemetryContext } from "../telemetry.ts";
import type { HalfMessage } from "./half_message.ts";
import type { Verdict } from "./local_transaction_state.ts";
import { OwnTransactions } from "./own_transactions.ts";
import { isAlike, type PastTransaction, restore, summarize } from "./past_transaction.ts";

/** What spans and traces need to know of a message. */
export interface ObservedMessage {
  readonly tags: string | undefined;
  readonly keys: string | undefined;
  /** Region of the broker, once it is known. */
  readonly regionId: string | undefined;
  /** Whether the broker wants traces. */
  readonly traceOn: boolean;
  readonly context: TelemetryContext | undefined;
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
  /** What stands for its id in the table, when it was sent here. */
  key?: number;
  /** Where the table remembers it, when it is another producer's and may be forgotten. */
  place?: number | undefined;
}

/** What is left of a transaction of another producer. */
interface Remainder {
  readonly past: PastTransaction;
  readonly place: number;
}

/** Distinct endings that are looked at for one that is alike. */
const RECENT_ENDINGS = 16;

/** The place of what is under way. */
const NOWHERE = -1;

/**
 * The transactions that this producer has to do with. Those that are under way are always kept; of
 * those that are over, the ones of the last `capacity` endings are remembered. Of one that was sent
 * here and ended without any trouble that takes a few bytes.
 */
export class TransactionTable {
  readonly #capacity: number;
  readonly #own = new OwnTransactions<TransactionRecord | PastTransaction>();
  readonly #others = new Map<string, TransactionRecord | Remainder>();
  /** Keys of the own ones that are over, in the order in which they ended, round and round. */
  readonly #ownEndings: Float64Array;
  /** Ids of the others, in the same order. */
  readonly #otherEndings: (string | undefined)[] = [];
  readonly #recent: PastTransaction[] = [];
  #next = 0;
  #nextRecent = 0;

  constructor(capacity = 20_000) {
    this.#capacity = capacity;
    this.#ownEndings = new Float64Array(capacity).fill(-1);
  }

  get(transactionId: string): TransactionRecord | undefined {
    const key = this.#own.keyOf(transactionId), slot = key < 0 ? -1 : this.#own.find(key);
    if (slot < 0) return this.#getOther(transactionId);
    const known = this.#own.valueAt(slot);
    if ("phase" in known) return known;
    const record = restore(transactionId, known);
    this.#own.set(key, record, this.#own.markAt(slot));
    return record;
  }

  /** Enters a transaction, or takes a past one back, as one that is under way. */
  activate(record: TransactionRecord): void {
    const key = this.#keyOf(record);
    if (key >= 0) this.#own.set(key, record, NOWHERE);
    else {
      record.place = undefined;
      this.#others.set(record.transactionId, record);
    }
  }

  /** Moves a transaction to those that may be forgotten, once nothing of it is under way. */
  retire(record: TransactionRecord): void {
    if (isUnderWay(record)) return;
    const place = this.#next, key = this.#keyOf(record);
    this.#next = (place + 1) % this.#capacity;
    this.#forget(place);
    const past = summarize(record);
    this.#ownEndings[place] = key;
    if (key >= 0) this.#own.set(key, past ? this.#shared(past) : record, place);
    else {
      record.place = place;
      this.#otherEndings[place] = record.transactionId;
      this.#others.set(record.transactionId, past ? { past, place } : record);
    }
  }

  #getOther(transactionId: string): TransactionRecord | undefined {
    const known = this.#others.get(transactionId);
    if (!known || "phase" in known) return known;
    const record = restore(transactionId, known.past);
    record.place = known.place;
    this.#others.set(transactionId, record);
    return record;
  }

  /** The key of a transaction that was sent here; -1 of any other, whatever id a broker gives it. */
  #keyOf(record: TransactionRecord): number {
    if (record.localTransactionRan === undefined) return -1;
    return record.key ??= this.#own.claim(record.transactionId);
  }

  #forget(place: number): void {
    const key = this.#ownEndings[place]!, id = this.#otherEndings[place];
    if (key >= 0) {
      const slot = this.#own.find(key);
      if (slot >= 0 && this.#own.markAt(slot) === place) this.#own.delete(slot);
    }
    if (id !== undefined) {
      if (this.#others.get(id)?.place === place) this.#others.delete(id);
      this.#otherEndings[place] = undefined;
    }
  }

  /** Almost all that ends does so like something before: it shares what is left. */
  #shared(past: PastTransaction): PastTransaction {
    const alike = this.#recent.find((recent) => isAlike(recent, past));
    if (alike) return alike;
    this.#recent[this.#nextRecent] = past;
    this.#nextRecent = (this.#nextRecent + 1) % RECENT_ENDINGS;
    return past;
  }
}

function isUnderWay({ phase, halfMessages }: TransactionRecord): boolean {
  return phase !== "over" || halfMessages.some(({ phase }) => phase !== "idle");
}
