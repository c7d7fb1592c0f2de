import { describe } from "../../errors.ts";
import type { LocalTransactionState, TransactionEvent } from "../../transaction/mod.ts";
import type { StepFacts } from "./record.ts";
import { STEP_WORDS, type StepWords } from "./step_words.ts";

/** The events that are about one transaction. */
type AboutTransaction = Extract<TransactionEvent, { transactionId: string }>;

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
  const { title, detail = "", tone = "plain", state } = wordsOf(event);
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

function wordsOf(event: AboutTransaction): StepWords {
  switch (event.type) {
    case "halfStored":
      return STEP_WORDS.confirmedStored();
    case "sendFailed": {
      const reason = describe(event.error);
      return event.outcome === "failed"
        ? STEP_WORDS.notSent(reason)
        : STEP_WORDS.sentWithoutAnswer(reason);
    }
    case "localTransactionEnded": {
      const { state, cause } = event;
      return STEP_WORDS.localTransaction(
        STATES[state],
        cause === undefined ? undefined : describe(cause),
      );
    }
    case "endTransaction": {
      const { state, outcome, error } = event, verdict = STATES[state];
      if (outcome === "failed") return STEP_WORDS.verdictFailed(verdict, describe(error));
      return outcome === "sent" || state === "UNKNOWN"
        ? STEP_WORDS.verdictSent(verdict)
        : STEP_WORDS.verdictConfirmed(verdict, state === "COMMIT");
    }
    case "checkBack":
      return STEP_WORDS.checkBackReceived(event.checkTimes, HANDLINGS[event.handling]);
    case "checkFailed":
      return STEP_WORDS.checkBackNotAnswered(describe(event.cause));
    case "contradiction":
      return STEP_WORDS.contradiction(
        `The listener says ${STATES[event.contradictedBy]}, ${STATES[event.sent]} was sent`,
      );
    case "commitFound":
      return STEP_WORDS.commitFound();
    case "slowLocalTransaction":
      return STEP_WORDS.slowLocalTransaction();
    case "lastChecks":
      return STEP_WORDS.lastCheckBacks(event.checksLeft);
    case "checkImmunity":
      return STEP_WORDS.longImmunity(event.seconds, event.checksLost, event.checksLeft);
  }
}
