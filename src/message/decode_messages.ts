import { MessageDecodeError, printable } from "../errors.ts";
import { decompress } from "./compression/compression.ts";
import { crc32 } from "./crc32.ts";
import { parseSocketAddress } from "./ip_address.ts";
import { type DecodeLimits, readLimit } from "./limits.ts";
import type { MessageExt } from "./message.ts";
import { offsetMessageIdOf } from "./message_id.ts";
import { splitKeys } from "./message_properties.ts";
import { MessageProperty } from "./property_names.ts";
import { decodeStoredMessages, type StoredMessage } from "./stored_message.ts";
import { compressionTypeOf } from "./sys_flag.ts";

/**
 * Decodes the messages in a broker's answer, decompresses their bodies and computes their ids.
 *
 * @throws {MessageDecodeError} when the bytes are not whole messages or exceed `limits`.
 *
 * @example
 * ```ts
 * import { decodeMessages, encodeStoredMessage } from "@rocketmq-deno/client/message";
 * import { assertEquals } from "@std/assert";
 *
 * const body = new TextEncoder().encode("Hello RocketMQ");
 * const stored = encodeStoredMessage({ topic: "TopicTest", body, properties: { TAGS: "TagA" } });
 * const [message] = await decodeMessages(stored);
 * assertEquals(new TextDecoder().decode(message!.body), "Hello RocketMQ");
 * assertEquals(message!.tags, "TagA");
 * ```
 */
export async function decodeMessages(
  bytes: Uint8Array,
  limits: DecodeLimits = {},
): Promise<MessageExt[]> {
  const maxBodySize = readLimit(limits, "maxBodySize");
  let left = readLimit(limits, "maxTotalBodySize");
  const messages: MessageExt[] = [];
  for (const stored of decodeStoredMessages(bytes, limits)) {
    const message = await openStoredMessage(stored, { maxBodySize: Math.min(maxBodySize, left) });
    if (message.body !== stored.body) left -= message.body.length;
    messages.push(message);
  }
  return messages;
}

/**
 * Opens one stored message: decompresses its body, compares its checksum, computes its ids. A wrong
 * checksum is reported in `bodyCrcValid`; the body is then whatever could be read of it.
 *
 * @throws {MessageDecodeError} when the body can't be decompressed within `limits`, or `storeHost` is
 * not an address.
 */
export async function openStoredMessage(
  stored: StoredMessage,
  limits: DecodeLimits = {},
): Promise<MessageExt> {
  const maxBodySize = readLimit(limits, "maxBodySize");
  const { version: _version, body: storedBody, ...fields } = stored;
  const type = storedBody.length === 0 ? undefined : compressionTypeOf(stored.sysFlag);
  const body = type === undefined ? storedBody : await decompress(storedBody, type, maxBodySize);
  const { properties } = stored;
  const offsetMessageId = readOffsetMessageId(stored);
  const uniqueKey = readProperty(properties, MessageProperty.UniqueKey);
  const tags = readProperty(properties, MessageProperty.Tags);
  const message: MessageExt = {
    ...fields,
    body,
    bodyCrcValid: crc32(storedBody) === stored.bodyCrc,
    keys: splitKeys(readProperty(properties, MessageProperty.Keys)),
    messageId: uniqueKey ?? offsetMessageId,
    offsetMessageId,
  };
  if (tags !== undefined) message.tags = tags;
  if (uniqueKey !== undefined) message.transactionId = uniqueKey;
  return message;
}

function readProperty(properties: Record<string, string>, name: string): string | undefined {
  return Object.hasOwn(properties, name) ? properties[name] : undefined;
}

function readOffsetMessageId(stored: StoredMessage): string {
  const host = parseSocketAddress(stored.storeHost);
  if (!host) {
    throw new MessageDecodeError(
      `Cannot open stored message: store host "${
        printable(stored.storeHost, 64)
      }" is not an address`,
    );
  }
  return offsetMessageIdOf(host.ip, host.port, stored.commitLogOffset);
}
