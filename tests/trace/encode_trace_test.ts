import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { encodeTrace, packTraces, type PubTrace, type Trace } from "../../src/trace/mod.ts";

const decoder = new TextDecoder();

function pub(fields: Partial<PubTrace> = {}): PubTrace {
  return {
    type: "Pub",
    timestamp: 1_700_000_000_123,
    regionId: "DefaultRegion",
    producerGroup: "order_service",
    topic: "orders",
    messageId: "7F000001",
    tags: "paid",
    keys: "order-1 ключ",
    brokerAddress: "10.0.1.1:10911",
    bodySize: 42,
    duration: 7,
    messageType: 1,
    offsetMessageId: "0A00010100002A9F0000000000000001",
    success: true,
    ...fields,
  };
}

/** Shows the two separators. */
function shown(text: string): string {
  return text.replaceAll("\u0001", "|").replaceAll("\u0002", "#");
}

Deno.test("encodeTrace - each kind has the fields of the official encoding in their order", () => {
  const facts = {
    timestamp: 1_700_000_000_123,
    regionId: "DefaultRegion",
    producerGroup: "order_service",
    topic: "orders",
    messageId: "7F000001",
  };
  const traces: Trace[] = [
    pub(),
    {
      ...facts,
      type: "EndTransaction",
      tags: "paid",
      keys: "order-1",
      brokerAddress: "10.0.1.1:10911",
      transactionId: "7F000001",
      state: "ROLLBACK",
      fromCheck: true,
    },
    { ...facts, type: "Recall", success: false },
  ];
  assertEquals(traces.map((trace) => shown(encodeTrace(trace))), [
    "Pub|1700000000123|DefaultRegion|order_service|orders|7F000001|paid|order-1 ключ|" +
    "10.0.1.1:10911|42|7|1|0A00010100002A9F0000000000000001|true#",
    "EndTransaction|1700000000123|DefaultRegion|order_service|orders|7F000001|paid|order-1|" +
    "10.0.1.1:10911|2|7F000001|ROLLBACK_MESSAGE|true#",
    "Recall|1700000000123|DefaultRegion|order_service|orders|7F000001|false#",
  ]);
});

Deno.test("encodeTrace - what is missing is null, and a server can't end a field early", () => {
  const trace = pub({ tags: undefined, keys: undefined, regionId: "a\u0001b\u0002Pub" });
  const fields = encodeTrace(trace).split("\u0001");
  assertEquals(fields.length, 14);
  assertEquals([fields[2], fields[6], fields[7]], ["a?b?Pub", "null", "null"]);
});

Deno.test("packTraces - traces of one topic share a message, found by all ids and keys", () => {
  const messages = packTraces([
    pub({ messageId: "A", keys: "k1 k2" }),
    pub({ messageId: "B", topic: "refunds", keys: undefined }),
    pub({ messageId: "C", keys: "k2" }),
  ]);
  assertEquals(messages.map(({ keys, count }) => [keys, count]), [["A k1 k2 C", 2], ["B", 1]]);
  assertEquals(
    decoder.decode(messages[0]!.body).split("\u0002").map((line) => line.split("\u0001")[5]),
    ["A", "C", undefined],
  );
});

Deno.test("packTraces - no message is larger than a broker takes, and no trace is lost", () => {
  const long = "х".repeat(14_000);
  const traces = Array.from(
    { length: 20 },
    (_, index) => pub({ messageId: `${index}`, tags: long }),
  );
  const messages = packTraces(traces);
  for (const { body } of messages) assertLessOrEqual(body.length, 128_000);
  assertEquals(messages.reduce((sum, { count }) => sum + count, 0), 20);

  const keyed = packTraces(traces.map((trace) => ({ ...trace, tags: "t", keys: long })));
  for (const { keys } of keyed) assertLessOrEqual(new TextEncoder().encode(keys).length, 30_000);
  assertEquals(keyed.reduce((sum, { count }) => sum + count, 0), 20);
  const [tooMany] = packTraces([pub({ messageId: "id", keys: "k".repeat(32_000) })]);
  assertEquals(tooMany!.keys, "id");
  assert(decoder.decode(tooMany!.body).includes("k".repeat(32_000)));
});
