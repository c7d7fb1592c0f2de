import type { ClientInstance } from "../client/mod.ts";
import { type Clock, within } from "../clock.ts";
import { ConnectionError, InvalidArgumentError } from "../errors.ts";
import {
  type DelayableMessage,
  type Message,
  type MessageExt,
  MessageProperty,
} from "../message/internal.ts";
import {
  DELAY_PROPERTIES,
  encodeMessage,
  type OutgoingMessage,
  type OutgoingOptions,
  readMessage,
} from "./outgoing_message.ts";
import type { SendBounds } from "./send_policy.ts";

/** Says where a reply goes: what a request carries beside its own properties. */
export interface ReplyAddress {
  /** Connects the reply with it. */
  correlationId: string;
  /** The client that the reply goes to. */
  clientId: string;
  /** Milliseconds for which the reply is waited for. */
  timeout: number;
}

/** Checks a request message and makes what is sent of it. @throws {InvalidArgumentError} */
export function prepareRequest(
  message: Message,
  options: OutgoingOptions,
  { correlationId, clientId, timeout }: ReplyAddress,
): OutgoingMessage {
  const read = readMessage(message as DelayableMessage, false, options);
  for (const name of DELAY_PROPERTIES) {
    if (!Object.hasOwn(read.properties, name)) continue;
    throw new InvalidArgumentError(
      `Cannot send request to topic "${read.topic}": it has a delay, and its reply is waited for`,
      { topic: read.topic },
    );
  }
  const properties = {
    ...read.properties,
    [MessageProperty.CorrelationId]: correlationId,
    [MessageProperty.ReplyToClient]: clientId,
    [MessageProperty.MessageTtl]: String(timeout),
  };
  return encodeMessage({ ...read, properties });
}

/**
 * Sends a request message and waits for its reply.
 *
 * @throws {ConnectionError} with code `TIMEOUT` when none comes in time.
 */
export async function awaitReply(
  { topic, uniqueKey }: OutgoingMessage,
  { deadline, signal }: SendBounds,
  { client, clock, correlationId, send }: {
    client: ClientInstance;
    clock: Clock;
    correlationId: string;
    /** Sends the message. */
    send: () => Promise<unknown>;
  },
): Promise<MessageExt> {
  const reply = client.replies.expect(correlationId);
  try {
    await send();
    return await within(
      clock,
      reply.message,
      { timeout: deadline.remaining, signal },
      (failure, cause) =>
        new ConnectionError(
          failure,
          `Cannot get the reply to message ${uniqueKey} of topic "${topic}": ${
            failure === "ABORTED"
              ? "the caller aborted it"
              : `none came within ${deadline.timeout} ms: check that a consumer of the topic replies`
          }`,
          { topic, written: true, isRetriable: failure === "TIMEOUT", cause },
        ),
    );
  } finally {
    reply.forget();
  }
}
