import { InvalidArgumentError } from "../errors.ts";
import { type MessageExt, MessageProperty } from "../message/mod.ts";

/** What a reply carries so that it finds its request. */
export type ReplyProperties = Readonly<Record<string, string>>;

/** The properties by which a reply finds its request; undefined for any other message. */
export let replyPropertiesOf: (message: unknown) => ReplyProperties | undefined;

/** A reply to a request message, made by {@linkcode createReply}, for `send()`. */
export class ReplyMessage {
  static {
    replyPropertiesOf = (message) =>
      typeof message === "object" && message !== null && #properties in message
        ? message.#properties
        : undefined;
  }

  /** The topic of replies in the request's cluster. */
  readonly topic: string;
  /** What is carried. A string is sent as UTF-8. */
  readonly body: Uint8Array | string;
  readonly #properties: ReplyProperties;

  /** Made by {@linkcode createReply}. */
  constructor(topic: string, body: Uint8Array | string, properties: ReplyProperties) {
    this.topic = topic;
    this.body = body;
    this.#properties = properties;
  }
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
  return new ReplyMessage(`${read(MessageProperty.Cluster)}_REPLY_TOPIC`, body, {
    [MessageProperty.MessageType]: "reply",
    [MessageProperty.CorrelationId]: read(MessageProperty.CorrelationId),
    [MessageProperty.ReplyToClient]: read(MessageProperty.ReplyToClient),
    [MessageProperty.MessageTtl]: read(MessageProperty.MessageTtl),
  });
}
