import { BitSet } from "./bit_set.ts";

/** What became of the transactions, as the producer's database and the reader of the topic see it. */
export interface Balance {
  /** Local transactions that ran and whose database says commit. */
  commits: number;
  /** Transactions whose message is visible. */
  visible: number;
  /** Commits that are not visible. */
  lost: number;
  /** Visible messages that no local transaction committed. */
  phantoms: number;
  /** Visible messages beyond the first of a transaction. */
  extraCopies: number;
  /** Visible messages that nobody sent like this. */
  corrupt: number;
}

/** Keeps what was committed and what is visible, each with a bit for a transaction. */
export class Ledger {
  readonly #commits = new BitSet();
  readonly #visible = new BitSet();
  #extraCopies = 0;
  #corrupt = 0;

  /** The database says commit of this transaction. */
  committed(index: number): void {
    this.#commits.add(index);
  }

  /** A message was read; `undefined` for one that nobody sent like this. */
  seen(index: number | undefined): void {
    if (index === undefined) this.#corrupt++;
    else if (!this.#visible.add(index)) this.#extraCopies++;
  }

  /** Counts what is known of the transactions with a number below `end`. */
  balance(end = Infinity): Balance {
    return {
      commits: this.#commits.size,
      visible: this.#visible.size,
      lost: count(this.lost(end)),
      phantoms: count(this.phantoms(end)),
      extraCopies: this.#extraCopies,
      corrupt: this.#corrupt,
    };
  }

  /** The numbers of commits that are not visible. */
  lost(end = Infinity): Generator<number, void> {
    return this.#commits.without(this.#visible, end);
  }

  /** The numbers of visible messages that no local transaction committed. */
  phantoms(end = Infinity): Generator<number, void> {
    return this.#visible.without(this.#commits, end);
  }
}

function count(numbers: Iterable<number>): number {
  let count = 0;
  for (const _ of numbers) count++;
  return count;
}
