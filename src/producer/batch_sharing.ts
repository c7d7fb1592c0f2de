import { BrokerResponseError } from "../errors.ts";
import { MessageProperty, type MessageQueue, splitKeys } from "../message/internal.ts";
import { ResponseCode } from "../remoting/mod.ts";
import type { ReadMessage } from "./outgoing_message.ts";

/** Up to so many characters of tag and keys, a batch names the keys of all of its messages. */
const MAX_SHARED_LENGTH = 8 * 1024;

/** Messages of one key may go into one batch. */
export function keyOf({ topic, properties }: ReadMessage, queue: MessageQueue | undefined): string {
  const place = queue ? `${queue.queueId}@${queue.brokerName}` : "";
  const tag = properties[MessageProperty.Tags] ?? "";
  return `${topic}\n${properties[MessageProperty.WaitStoreMessageOk]}\n${tag}\n${place}`;
}

/** Tag and keys of a batch as a whole: a topic whose batches stay together is filtered by them. */
export function sharedProperties(messages: readonly ReadMessage[]): Record<string, string> {
  const tag = messages[0]!.properties[MessageProperty.Tags] ?? "";
  const keys = new Set<string>();
  for (const { properties } of messages) {
    for (const key of splitKeys(properties[MessageProperty.Keys])) keys.add(key);
  }
  const joined = [...keys].join(" ");
  const fits = tag.length + joined.length <= MAX_SHARED_LENGTH;
  return {
    ...(tag === "" ? {} : { [MessageProperty.Tags]: tag }),
    ...(joined === "" || !fits ? {} : { [MessageProperty.Keys]: joined }),
  };
}

/** Whether a broker stored nothing of a batch because it is too large for it as a whole. */
export function isTooMuchAtOnce(error: unknown): boolean {
  if (!(error instanceof BrokerResponseError)) return false;
  const { responseCode, remark } = error;
  return responseCode === ResponseCode.MESSAGE_ILLEGAL ||
    responseCode === ResponseCode.SYSTEM_ERROR && remark.includes("message body size exceeded");
}
