import type { EmbeddedBrokerEvent } from "../events.ts";
import type { InspectedState, StepFacts, StepTone } from "./record.ts";

/** What an event of an embedded broker is told as: what, the rest of it, how it is to be taken. */
interface Wording {
  title: string;
  detail: string;
  tone?: StepTone;
  state?: InspectedState;
}

/** What an event of an embedded broker says of a transaction; nothing for plain messages. */
export function brokerFacts(event: EmbeddedBrokerEvent): StepFacts | undefined {
  if (event.type === "messageStored") return undefined;
  const { title, detail, tone = "plain", state } = wordingOf(event);
  return {
    id: event.transactionId,
    topic: event.topic,
    group: event.producerGroup,
    broker: event.brokerName,
    keys: event.keys,
    step: {
      at: event.time,
      origin: "broker",
      title,
      detail,
      tone,
      isEffect: event.type === "visible" || event.type === "gone",
      ...(event.type === "verdict" && !event.fromCheck ? { side: "verdict" } : {}),
    },
    ...(state === undefined ? {} : { state }),
    ...("checkTimes" in event ? { checks: event.checkTimes } : {}),
    ...(event.type === "visible" ? { newCopies: 1 } : {}),
    ...(event.type === "halfStored" ? { begins: true } : {}),
  };
}

function wordingOf(event: Exclude<EmbeddedBrokerEvent, { type: "messageStored" }>): Wording {
  switch (event.type) {
    case "halfStored":
      return {
        title: "Half message stored",
        detail: `${event.brokerName} keeps it; no consumer sees it`,
      };
    case "verdict": {
      const title = `Verdict: ${VERDICTS[event.verdict]}`;
      const detail = event.fromCheck ? "Answers a check-back" : "Follows the local transaction";
      if (event.responseCode === 0) return { title, detail };
      const reason = event.remark ?? "no reason given";
      return {
        title: `${title}, refused`,
        detail: `${reason} (${event.responseCode})`,
        tone: "warn",
      };
    }
    case "visible":
      return {
        title: "Visible to consumers",
        detail: `${event.topic}, queue ${event.queueId}, offset ${event.queueOffset}`,
        tone: "good",
        state: "visible",
      };
    case "gone":
      return {
        title: "Rolled back",
        detail: "No consumer will ever see it",
        tone: "end",
        state: "rolledBack",
      };
    case "checked":
      return event.client === undefined
        ? {
          title: `Check-back ${event.checkTimes}: nobody to ask`,
          detail: `No member of ${event.producerGroup} is connected`,
          tone: "warn",
          state: "open",
        }
        : {
          title: `Check-back ${event.checkTimes}`,
          detail: `Asked ${event.client}`,
          state: "open",
        };
    case "givenUp":
      return {
        title: "Given up",
        detail: `Asked ${event.checkTimes} times; kept in TRANS_CHECK_MAX_TIME_TOPIC`,
        tone: "warn",
        state: "givenUp",
      };
  }
}

const VERDICTS = { commit: "commit", rollback: "roll back", unknown: "unknown" } as const;
