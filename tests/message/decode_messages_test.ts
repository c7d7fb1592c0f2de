import zlib from "node:zlib";
import {
  assert,
  assertEquals,
  assertFalse,
  assertGreater,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  compressionFlags,
  CompressionType,
  decodeMessages,
  decodeStoredMessage,
  decodeStoredMessages,
  encodeStoredMessage,
  MessageDecodeError,
  openStoredMessage,
} from "../../src/message/internal.ts";
import { fromBase64, type OfficialMessage, readLines, toBase64 } from "./fixtures.ts";
import { assertOfficial } from "./official_message.ts";

const encoder = new TextEncoder();

/** A frame that was recorded between official clients and brokers. */
interface Recorded {
  scenario: string;
  frame: string;
  bodySummary: { type: string; messages: OfficialMessage[] } | null;
}

function bodyOf(frame: Uint8Array): Uint8Array {
  const mark = new DataView(frame.buffer).getInt32(4);
  return frame.subarray(8 + (mark & 0xffffff));
}

Deno.test("decodeMessages() - reads every message that was recorded, and it encodes to the same bytes", async () => {
  let count = 0, checks = 0;
  for (const file of Deno.readDirSync(new URL("../fixtures/frames", import.meta.url))) {
    for (const recorded of readLines<Recorded>(`frames/${file.name}`)) {
      if (recorded.bodySummary?.type !== "stored-messages") continue;
      const body = bodyOf(fromBase64(recorded.frame));
      const messages = await decodeMessages(body), expected = recorded.bodySummary.messages;
      assertEquals(messages.length, expected.length, recorded.scenario);
      for (const [i, message] of messages.entries()) await assertOfficial(message, expected[i]!);
      const again = decodeStoredMessages(body).map((message) => encodeStoredMessage(message));
      assertEquals(toBase64(new Uint8Array(again.flatMap((b) => [...b]))), toBase64(body));
      count += messages.length;
      if (messages[0]?.properties.TRANSACTION_CHECK_TIMES) {
        assertEquals(decodeStoredMessage(body).topic, messages[0].properties.REAL_TOPIC);
        checks++;
      }
    }
  }
  assertGreater(count, 100);
  assertGreater(checks, 10);
});

Deno.test("openStoredMessage() - ids come from the key, or from where the message is stored", async () => {
  const fields = {
    topic: "T",
    body: encoder.encode("x"),
    storeHost: "[::1]:10911",
    commitLogOffset: 42n,
  };
  const offsetMessageId = "0000000000000000000000000000000100002A9F000000000000002A";
  const [plain] = await decodeMessages(encodeStoredMessage(fields));
  assertEquals(plain!.messageId, offsetMessageId);
  assertEquals(plain!.offsetMessageId, offsetMessageId);
  assertFalse("transactionId" in plain! || "tags" in plain! || "brokerName" in plain!);
  assertEquals(plain!.keys, []);
  const UNIQ_KEY = "7F00000104D25FFD2B276FB73D9B001F";
  const properties = { UNIQ_KEY, TAGS: "TagA", KEYS: " k1  k2 " };
  const [keyed] = await decodeMessages(encodeStoredMessage({ ...fields, properties }));
  assertEquals(keyed!.messageId, UNIQ_KEY);
  assertEquals(keyed!.transactionId, UNIQ_KEY);
  assertEquals(keyed!.offsetMessageId, offsetMessageId);
  assertEquals(keyed!.tags, "TagA");
  assertEquals(keyed!.keys, ["k1", "k2"]);
});

Deno.test("openStoredMessage() - a damaged body is reported, not refused", async () => {
  const bytes = encodeStoredMessage({ topic: "T", body: encoder.encode("Hello RocketMQ") });
  assert((await decodeMessages(bytes))[0]!.bodyCrcValid);
  bytes[90]! ^= 1;
  const [message] = await decodeMessages(bytes);
  assertFalse(message!.bodyCrcValid);
  assertEquals(message!.body.length, 14);
});

Deno.test("openStoredMessage() - a body that was not compressed is not copied", async () => {
  const stored = decodeStoredMessage(encodeStoredMessage({ topic: "T", body: new Uint8Array(9) }));
  assertStrictEquals((await openStoredMessage(stored)).body, stored.body);
  // An empty body is empty, whatever its flag says.
  const empty = encodeStoredMessage({ topic: "T", body: new Uint8Array(), sysFlag: 1 });
  assertEquals((await decodeMessages(empty))[0]!.body.length, 0);
});

Deno.test("openStoredMessage() - compression of an unknown kind is refused, its bits alone are not", async () => {
  const fields = { topic: "T", body: new Uint8Array(9) };
  assertEquals(
    (await decodeMessages(encodeStoredMessage({ ...fields, sysFlag: 0x704 }))).length,
    1,
  );
  await assertRejects(
    () => decodeMessages(encodeStoredMessage({ ...fields, sysFlag: 0x705 })),
    MessageDecodeError,
    "compression type 7",
  );
});

Deno.test("decodeMessages() - bounds each body and all bodies together", async () => {
  const body = zlib.deflateSync(new Uint8Array(1000));
  const sysFlag = compressionFlags(CompressionType.ZLIB);
  const one = encodeStoredMessage({ topic: "T", body, sysFlag });
  const three = new Uint8Array([...one, ...one, ...one]);
  assertEquals((await decodeMessages(three, { maxBodySize: 1000 })).length, 3);
  assertEquals((await decodeMessages(three, { maxTotalBodySize: 3000 })).length, 3);
  const large = await assertRejects(
    () => decodeMessages(three, { maxBodySize: 999 }),
    MessageDecodeError,
  );
  assertEquals(large.limit, 999);
  await assertRejects(
    () => decodeMessages(three, { maxTotalBodySize: 2999 }),
    MessageDecodeError,
    "more than 999 bytes",
  );
  // Bodies that came as they are have taken their memory already.
  const plain = encodeStoredMessage({ topic: "T", body: new Uint8Array(5000) });
  assertEquals((await decodeMessages(plain, { maxBodySize: 1, maxTotalBodySize: 1 })).length, 1);
});
