import { describe } from "../../errors.ts";
import type { LocalTransactionState, TransactionEvent } from "../../transaction/mod.ts";
import type { InspectedState, StepFacts, StepTone } from "./record.ts";

/** The events that are about one transaction. */
type AboutTransaction = Extract<TransactionEvent, { transactionId: string }>;

/** What an event of a producer is told as. */
interface Wording {
  title: string;
  detail?: string;
  tone?: StepTone;
  state?: InspectedState;
}

const STATES: Readonly<Record<LocalTransactionState, string>> = {
  COMMIT: "commit",
  ROLLBACK: "roll back",
  UNKNOWN: "unknown",
};

const HANDLINGS = {
  asked: "The listener is asked",
  joined: "Joined with one that is being answered",
  stillRunning: "Answered unknown: the local transaction still runs",
  heldBack: "Held back while END_TRANSACTION is under way",
  repeated: "Answered again with what could not be delivered before",
  dropped: "Dropped: too many wait",
} as const;

/**
 * What an event of a producer says of a transaction; nothing for those about connections and routes.
 *
 * @param now When it was heard of, as events of a producer have no time.
 */
export function producerFacts(event: TransactionEvent, now: number): StepFacts | undefined {
  if (!("transactionId" in event)) return undefined;
  const { title, detail = "", tone = "plain", state } = wordingOf(event);
  return {
    id: event.transactionId,
    topic: event.topic,
    ...("brokerName" in event ? { broker: event.brokerName } : {}),
    ...(state === undefined ? {} : { state }),
    ...(event.type === "checkBack" ? { checks: event.checkTimes } : {}),
    ...(event.type === "halfStored" ? { begins: true } : {}),
    step: {
      at: now,
      origin: "producer",
      title,
      detail,
      tone,
      isEffect: event.type === "endTransaction" || event.type === "commitFound",
      ...(event.type === "halfStored" || event.type === "localTransactionEnded"
        ? { side: "beforeVerdict" }
        : {}),
    },
  };
}

function wordingOf(event: AboutTransaction): Wording {
  switch (event.type) {
    case "halfStored":
      return { title: "Half message confirmed", detail: "The local transaction may run" };
    case "sendFailed":
      return {
        title: event.outcome === "failed" ? "Not sent" : "Send without an answer",
        detail: describe(event.error),
        tone: "warn",
        ...(event.outcome === "failed" ? { state: "notSent" } : {}),
      };
    case "localTransactionEnded":
      return {
        title: `Local transaction: ${STATES[event.state]}`,
        ...(event.cause === undefined
          ? {}
          : { detail: `It threw: ${describe(event.cause)}`, tone: "warn" }),
      };
    case "endTransaction":
      return endOf(event);
    case "checkBack":
      return {
        title: `Check-back ${event.checkTimes} received`,
        detail: HANDLINGS[event.handling],
      };
    case "checkFailed":
      return { title: "Check-back not answered", detail: describe(event.cause), tone: "warn" };
    case "contradiction":
      return {
        title: "Contradiction",
        detail: `The listener says ${STATES[event.contradictedBy]}, ${STATES[event.sent]} was sent`,
        tone: "warn",
      };
    case "commitFound":
      return {
        title: "Already visible",
        detail: "The broker is told to drop the surplus half message",
        tone: "good",
        state: "visible",
      };
    case "slowLocalTransaction":
      return { title: "Slow local transaction", detail: "The broker already asks", tone: "warn" };
    case "lastChecks":
      return { title: "Last check-backs", detail: `${event.checksLeft} are left`, tone: "warn" };
    case "checkImmunity":
      return {
        title: "Long check immunity",
        detail:
          `${event.seconds} s cost ${event.checksLost} check-backs, ${event.checksLeft} are left`,
        tone: "warn",
      };
  }
}

function endOf(
  { state, outcome, error }: Extract<TransactionEvent, { type: "endTransaction" }>,
): Wording {
  const verdict = STATES[state];
  if (outcome === "failed") {
    return { title: `Verdict failed: ${verdict}`, detail: describe(error), tone: "warn" };
  }
  if (outcome === "sent" || state === "UNKNOWN") return { title: `Verdict sent: ${verdict}` };
  return {
    title: `Verdict confirmed: ${verdict}`,
    detail: "The broker has taken it",
    tone: state === "COMMIT" ? "good" : "end",
    state: state === "COMMIT" ? "visible" : "rolledBack",
  };
}
