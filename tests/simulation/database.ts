import type { Fact } from "./history.ts";

/** What the application has recorded of a transaction. */
export type Decision = "COMMIT" | "ROLLBACK";

/**
 * The one database that all clients of the group share. A transaction is recorded once: whoever
 * comes second finds what is there.
 */
export class Database {
  readonly #decisions = new Map<string, Decision>();
  readonly #tell: (fact: Fact) => void;

  constructor(tell: (fact: Fact) => void) {
    this.#tell = tell;
  }

  /** The record of a transaction. */
  get(txn: string): Decision | undefined {
    return this.#decisions.get(txn);
  }

  /** Records a decision, unless there is one. Gives the one that holds. */
  record(txn: string, decision: Decision): Decision {
    const known = this.#decisions.get(txn);
    if (known) return known;
    this.#decisions.set(txn, decision);
    this.#tell({ type: "recorded", txn, state: decision });
    return decision;
  }
}
