/** What became of a local transaction: the verdict that the broker is told. */
export const LocalTransactionState = {
  /** The message becomes visible to consumers. */
  Commit: "COMMIT",
  /** The message never becomes visible. */
  Rollback: "ROLLBACK",
  /** Not known now; the broker asks again. */
  Unknown: "UNKNOWN",
} as const;

/** One of the three verdicts. */
export type LocalTransactionState =
  typeof LocalTransactionState[keyof typeof LocalTransactionState];

/** A verdict that ends a transaction. */
export type Verdict = Exclude<LocalTransactionState, "UNKNOWN">;

/** Whether something that a listener returned is a verdict or `Unknown`. */
export function isLocalTransactionState(value: unknown): value is LocalTransactionState {
  return value === "COMMIT" || value === "ROLLBACK" || value === "UNKNOWN";
}
