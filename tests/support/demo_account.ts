import type { EmbeddedBrokerEvent } from "../../src/testing/mod.ts";

/**
 * Follows what happens on an embedded broker to its end, and tells the story of each transaction, a
 * line each: half message, local transaction, check-backs, outcome.
 */
export async function tellStories(
  events: AsyncIterable<EmbeddedBrokerEvent>,
): Promise<string[]> {
  const stories = new Map<string, { key: string; steps: string[] }>();
  for await (const event of events) {
    const step = describeStep(event);
    if (!step) continue;
    const story = stories.get(event.transactionId) ?? { key: event.keys.join(" "), steps: [] };
    stories.set(event.transactionId, story);
    story.steps.push(step);
  }
  return Array.from(stories.values(), ({ key, steps }) => `${key}  ${steps.join(" → ")}`);
}

function describeStep(event: EmbeddedBrokerEvent): string | undefined {
  switch (event.type) {
    case "halfStored":
      return "half message stored";
    case "verdict":
      return event.fromCheck ? event.verdict : `local transaction says ${event.verdict}`;
    case "checked":
      return `check-back ${event.checkTimes}${event.client ? "" : " (no producer left to ask)"}`;
    case "visible":
      return `VISIBLE in queue ${event.queueId}`;
    case "gone":
      return "ROLLED BACK";
    case "givenUp":
      return `DISCARDED after ${event.checkTimes} check-backs`;
    case "messageStored":
      return undefined;
  }
}
