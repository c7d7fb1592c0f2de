import type { EmbeddedBrokerEvent } from "../events.ts";
import type { StepFacts } from "./record.ts";
import { STEP_WORDS, type StepWords } from "./step_words.ts";

/** What an event of an embedded broker says of a transaction; nothing for plain messages. */
export function brokerFacts(event: EmbeddedBrokerEvent): StepFacts | undefined {
  if (event.type === "messageStored") return undefined;
  const { title, detail = "", tone = "plain", state } = wordsOf(event);
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

function wordsOf(event: Exclude<EmbeddedBrokerEvent, { type: "messageStored" }>): StepWords {
  switch (event.type) {
    case "halfStored":
      return STEP_WORDS.stored(`${event.brokerName} keeps it; no consumer sees it`);
    case "verdict": {
      const verdict = VERDICTS[event.verdict], { responseCode, remark = "no reason given" } = event;
      return responseCode === 0
        ? STEP_WORDS.verdict(
          verdict,
          event.fromCheck ? "Answers a check-back" : "Follows the local transaction",
        )
        : STEP_WORDS.verdictRefused(verdict, `${remark} (${responseCode})`);
    }
    case "visible": {
      const { topic, queueId, queueOffset } = event;
      return STEP_WORDS.visible(`${topic}, queue ${queueId}, offset ${queueOffset}`);
    }
    case "gone":
      return STEP_WORDS.rolledBack("No consumer will ever see it");
    case "checked": {
      const { client, checkTimes, producerGroup } = event;
      const words = client === undefined
        ? STEP_WORDS.nobodyToAsk(checkTimes, producerGroup)
        : STEP_WORDS.checkBack(checkTimes, `Asked ${client}`);
      return { ...words, state: "open" };
    }
    case "givenUp":
      return STEP_WORDS.givenUp(event.checkTimes, "kept in TRANS_CHECK_MAX_TIME_TOPIC");
  }
}

const VERDICTS = { commit: "commit", rollback: "roll back", unknown: "unknown" } as const;
