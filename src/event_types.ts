/** The kinds of events that only transaction producers have. */
export type TransactionEventType =
  | "halfStored"
  | "sendFailed"
  | "localTransactionEnded"
  | "endTransaction"
  | "checkBack"
  | "checkFailed"
  | "contradiction"
  | "commitFound"
  | "slowLocalTransaction"
  | "lastChecks"
  | "checkImmunity";
