import { assert, assertEquals } from "@std/assert";
import type { MessageExt } from "../../src/message/mod.ts";
import { type OfficialMessage, sha256, toBase64 } from "./fixtures.ts";

/** Asserts that a message has all the values that the official Java library reads from the same bytes. */
export async function assertOfficial(
  message: MessageExt,
  expected: OfficialMessage,
): Promise<void> {
  assertEquals(
    {
      storeSize: message.storeSize,
      bodyCrc: message.bodyCrc,
      queueId: message.queueId,
      flag: message.flag,
      queueOffset: message.queueOffset,
      commitLogOffset: message.commitLogOffset,
      sysFlag: message.sysFlag,
      bornTimestamp: message.bornTimestamp,
      bornHost: message.bornHost,
      storeTimestamp: message.storeTimestamp,
      storeHost: message.storeHost,
      reconsumeTimes: message.reconsumeTimes,
      preparedTransactionOffset: message.preparedTransactionOffset,
      topic: message.topic,
      properties: message.properties,
      bodyLength: message.body.length,
      offsetMessageId: message.offsetMessageId,
      messageId: message.messageId,
    },
    {
      storeSize: expected.storeSize,
      bodyCrc: expected.bodyCRC,
      queueId: expected.queueId,
      flag: expected.flag,
      queueOffset: BigInt(expected.queueOffset),
      commitLogOffset: BigInt(expected.commitLogOffset),
      sysFlag: expected.sysFlag,
      bornTimestamp: expected.bornTimestamp,
      bornHost: toHostPort(expected.bornHost),
      storeTimestamp: expected.storeTimestamp,
      storeHost: toHostPort(expected.storeHost),
      reconsumeTimes: expected.reconsumeTimes,
      preparedTransactionOffset: BigInt(expected.preparedTransactionOffset),
      topic: expected.topic,
      properties: expected.properties ?? {},
      bodyLength: expected.bodyLength,
      offsetMessageId: expected.offsetMsgId,
      messageId: expected.msgId,
    },
  );
  assertEquals(message.bodyCrcValid, expected.storedBodyCrc === expected.bodyCRC);
  assertEquals(message.tags, expected.properties?.TAGS);
  assertEquals(message.transactionId, expected.properties?.UNIQ_KEY);
  assertEquals(message.keys, expected.properties?.KEYS?.split(" ") ?? []);
  if (expected.body !== undefined) assertEquals(toBase64(message.body), expected.body);
  else assertEquals(await sha256(message.body), expected.bodySha256);
  assert(expected.body !== undefined || expected.bodySha256 !== undefined, "no body to compare");
}

/** The fixtures write `address/port`. */
function toHostPort(text: string): string {
  const at = text.lastIndexOf("/"), host = text.slice(0, at), port = text.slice(at + 1);
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
