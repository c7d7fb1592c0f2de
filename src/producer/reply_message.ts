import { InvalidArgumentError } from "../errors.ts";
import { type MessageExt, MessageProperty } from "../message/mod.ts";

/** Says how a reply finds its request. */
export interface ReplyRoute {
  /** What it carries beside the properties of any message. */
  readonly properties: Readonly<Record<string, string>>;
  /** `host:port` of the broker that the request was sent to: there its sender is registered. */
  readonly home: string;
}

/** A reply to a request message, made by {@linkcode createReply}, for `send()`. */
export interface ReplyMessage {
  /** The topic of replies in the request's cluster. */
  readonly topic: string;
  /** What is carried. A string is sent as UTF-8. */
  readonly body: Uint8Array | string;
}

/** Tells the replies that were made here from messages that look like one. */
const routes = new WeakMap<object, ReplyRoute>();

/** Returns how a reply finds its request; undefined for any other message. */
export function replyRouteOf(message: object): ReplyRoute | undefined {
  return routes.get(message);
}

/**
 * Makes the reply to a request message that was consumed. Send it with any producer's `send()`.
 *
 * @throws {InvalidArgumentError} when the message is no request.
 *
 * @example
 * ```ts
 * import { createReply, type MessageExt, type Producer } from "@rocketmq-deno/client";
 *
 * async function answer(producer: Producer, request: MessageExt): Promise<void> {
 *   await producer.send(createReply(request, "pong"));
 * }
 * ```
 */
export function createReply(request: MessageExt, body: Uint8Array | string): ReplyMessage {
  const read = (name: MessageProperty): string => {
    const value = request.properties[name];
    if (value) return value;
    throw new InvalidArgumentError(
      `Cannot reply to message ${request.messageId}: it has no property "${name}", it is no request`,
      { topic: request.topic },
    );
  };
  const reply: ReplyMessage = Object.freeze({
    topic: `${read(MessageProperty.Cluster)}_REPLY_TOPIC`,
    body,
  });
  routes.set(reply, {
    properties: {
      [MessageProperty.MessageType]: "reply",
      [MessageProperty.CorrelationId]: read(MessageProperty.CorrelationId),
      [MessageProperty.ReplyToClient]: read(MessageProperty.ReplyToClient),
      [MessageProperty.MessageTtl]: read(MessageProperty.MessageTtl),
    },
    home: request.storeHost,
  });
  return reply;
}
