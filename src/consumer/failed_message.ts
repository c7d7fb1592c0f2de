import { describe } from "../errors.ts";
import type { StoredMessage } from "../message/mod.ts";
import { DEAD_LETTER_LEVEL } from "../requests/mod.ts";
import type { Decision, IncomingMessage } from "./incoming_message.ts";
import type { ReaderContext } from "./reader_context.ts";
import { delayLevelOf } from "./retry_delay.ts";

/** Milliseconds until a message of an ordered queue is handled again. */
const ORDERED_DELAY = 1_000;

/** What is done with a message that was not acknowledged. */
export type Fate =
  /** The broker confirmed a copy or dead letter. */
  | { readonly kind: "copied" | "dead-lettered" }
  /** Nothing behind it is handled any more. */
  | { readonly kind: "stopped" }
  /** It is handled again here, after a pause. */
  | { readonly kind: "again"; readonly pause: number };

/** Milliseconds until a message is handled again here whose retry the broker did not confirm. */
const RETRY_PAUSE = 1_000;

/**
 * Sends a message back, or has it handled again here if its order matters. If the fate of the request
 * is unknown, a second one could make a second copy: then the message is handled again here, too.
 */
export async function decideFate(
  message: IncomingMessage,
  decision: Exclude<Decision, { kind: "ack" }>,
  { settings, calls, warnings, events }: ReaderContext,
): Promise<Fate> {
  const { queue, uniqueKey } = message, { group, client: { logger } } = settings;
  const wasLast = message.attempt >= settings.attempts;
  const isDead = decision.kind === "dead-letter" || wasLast;
  if (decision.kind === "retry" && wasLast && settings.stopsAfterAttempts) {
    logger.error(
      `Handles nothing behind message "${uniqueKey}" of topic "${message.topic}" any more: ` +
        `attempt ${message.attempt} failed, mend it and start this consumer again`,
      { ...queue },
    );
    events.publish({ type: "stopped", queue, uniqueKey });
    return { kind: "stopped" };
  }
  const delay = decision.kind === "retry"
    ? decision.delay ?? settings.retryDelay(message.attempt)
    : undefined;
  if (!isDead && settings.laneOf) return { kind: "again", pause: delay ?? ORDERED_DELAY };
  try {
    await calls.sendBack(queue, {
      offset: message.source.commitLogOffset,
      delayLevel: isDead ? DEAD_LETTER_LEVEL : delay === undefined ? 0 : delayLevelOf(delay),
      originMsgId: message.uniqueKey,
      originTopic: message.topic,
      bname: queue.brokerName,
    });
  } catch (error) {
    const what = `${isDead ? "dead letter" : "retry"} of message "${message.uniqueKey}"`;
    warnings.warn(
      "not sent back",
      `No broker confirmed the ${what}, it is handled again here: ${describe(error)}`,
    );
    events.publish({ type: "retry-unknown", queue, uniqueKey: message.uniqueKey, error });
    return { kind: "again", pause: RETRY_PAUSE };
  }
  if (!isDead) return { kind: "copied" };
  const reason = decision.kind === "dead-letter" && decision.reason !== ""
    ? decision.reason
    : `attempt ${message.attempt} failed`;
  logger.warn(
    `Message "${message.uniqueKey}" of topic "${message.topic}" is a dead letter: ${reason}`,
  );
  const deadLetterTopic = `%DLQ%${group}`;
  events.publish({ type: "dead-lettered", queue, uniqueKey, deadLetterTopic, reason });
  return { kind: "dead-lettered" };
}

/** Makes a dead letter of a message whose body can't be read. @throws {RocketMQError} */
export async function discard(
  stored: StoredMessage,
  queue: IncomingMessage["queue"],
  { calls, settings: { client: { logger } } }: ReaderContext,
): Promise<void> {
  await calls.sendBack(queue, {
    offset: stored.commitLogOffset,
    delayLevel: DEAD_LETTER_LEVEL,
    originTopic: stored.topic,
    bname: queue.brokerName,
  });
  logger.error(
    `Made a dead letter of message ${stored.queueOffset} of topic "${stored.topic}": ` +
      "its body can't be read",
  );
}
