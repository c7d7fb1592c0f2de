import { assertEquals, assertThrows } from "@std/assert";
import { decodeStoredMessage, javaStringHash } from "../../src/message/mod.ts";
import { readQueue } from "../../src/testing/store/read_queue.ts";
import { type MessageInput, MessageStore } from "../../src/testing/store/message_store.ts";
import { tagCodeOf } from "../../src/testing/store/tag_code.ts";
import { utf8 } from "../remoting/frames.ts";
import { FakeClock } from "../support/fake_clock.ts";

function createStore(
  { maxSize = 1_000_000, clock = new FakeClock() }: { maxSize?: number; clock?: FakeClock } = {},
) {
  const arrivals: [string, number, number][] = [];
  const store = new MessageStore({
    ...{ clock, maxSize, maxMessageSize: 1_000, storeHost: "10.0.0.7:10911" },
    onArrival: (...arrival) => arrivals.push(arrival),
  });
  return { store, arrivals, clock };
}

function message(fields: Partial<MessageInput> = {}): MessageInput {
  return {
    ...{ topic: "T", queueId: 0, body: utf8("body"), properties: {} },
    ...{ bornTimestamp: 5, bornHost: "10.0.0.9:4321" },
    ...fields,
  };
}

Deno.test("MessageStore - keeps what a real broker's record holds", () => {
  const { store, arrivals, clock } = createStore();
  store.put(message());
  const position = store.size;
  const result = store.put(message({ queueId: 3, properties: { TAGS: "a", KEYS: "k" }, flag: 9 }));

  assertEquals(result, { status: "stored", placements: [{ position, queueOffset: 0 }] });
  const record = decodeStoredMessage(store.recordAt("T", 3, 0)!);
  assertEquals(record, {
    ...record,
    ...{ topic: "T", queueId: 3, queueOffset: 0n, commitLogOffset: BigInt(position), flag: 9 },
    ...{ bornTimestamp: 5, bornHost: "10.0.0.9:4321", storeHost: "10.0.0.7:10911" },
    ...{ storeTimestamp: clock.now(), properties: { TAGS: "a", KEYS: "k" } },
  });
  assertEquals(arrivals, [["T", 0, 0], ["T", 3, "a".charCodeAt(0)]]);
});

Deno.test("MessageStore - a batch over the bound stores nothing at all", () => {
  const { store } = createStore({ maxSize: 250 });
  assertEquals(store.putAll([message(), message(), message()]), { status: "full" });
  assertEquals([store.size, store.queueLength("T", 0)], [0, 0]);

  assertEquals(store.putAll([message(), message()]).status, "stored");
  assertEquals(store.put(message()).status, "full");
  assertEquals(store.queueLength("T", 0), 2);
});

Deno.test("MessageStore - what a broker would not store is illegal", () => {
  const { store } = createStore();
  const long = { own: "v".repeat(32_767) };
  assertEquals(store.put(message({ body: new Uint8Array(1_001) })).status, "illegal");
  assertEquals(store.put(message({ properties: long })).status, "illegal");
  assertEquals(store.putAll([message(), message({ properties: long })]).status, "illegal");
  assertEquals([store.size, store.queueLength("T", 0)], [0, 0]);
  assertEquals(store.put(message({ body: new Uint8Array(1_000) })).status, "stored");
});

Deno.test("MessageStore - messages of an old-style transaction are in no queue", () => {
  const { store } = createStore();
  for (const sysFlag of [4, 12]) {
    const result = store.put(message({ sysFlag }));
    assertEquals(result.status === "stored" && result.placements[0].queueOffset, 0);
  }
  store.put(message({ sysFlag: 8 }));
  assertEquals(store.queueLength("T", 0), 1);
  assertEquals(store.queueIds("T"), [0]);
});

Deno.test("MessageStore - a position that is no record gives what its bytes say", () => {
  const { store } = createStore();
  store.put(message());
  assertEquals(store.message(0)?.topic, "T");
  assertEquals(store.message(1), undefined);
  assertEquals(store.record(1_000_000), undefined);
  assertThrows(() => store.record(4), RangeError, "newLimit < 0: (-626843481 < 0)");
});

Deno.test("MessageIndex - keys with the same hash are told apart", () => {
  const { store } = createStore();
  assertEquals(javaStringHash("T#Aa"), javaStringHash("T#BB"));
  store.put(message({ properties: { KEYS: "Aa" } }));
  store.put(message({ properties: { KEYS: "x BB", UNIQ_KEY: "U" } }));
  store.put(message({ topic: "Other", properties: { KEYS: "Aa" } }));

  const find = (key: string, fields = {}) =>
    store.index.find({ topic: "T", key, max: 10, begin: 0, end: Infinity, ...fields })
      .map((record) => decodeStoredMessage(record).properties.KEYS);
  assertEquals(find("Aa"), ["Aa"]);
  assertEquals(find("BB"), ["x BB"]);
  assertEquals(find("U"), ["x BB"]);
  assertEquals(find("x BB"), []);
  assertEquals(find("none"), []);
});

Deno.test("MessageIndex - gives the newest of too many, in the order of storing, within a time", () => {
  const clock = new FakeClock(), { store } = createStore({ clock });
  const start = clock.now();
  for (let index = 0; index < 10; index++) {
    store.put(message({ properties: { KEYS: "k", TAGS: String(index) } }));
    clock.moveWallClock(1_000);
  }
  const find = (fields = {}) =>
    store.index.find({ topic: "T", key: "k", max: 100, begin: 0, end: Infinity, ...fields })
      .map((record) => decodeStoredMessage(record).properties.TAGS).join("");
  assertEquals(find(), "0123456789");
  assertEquals(find({ max: 3 }), "789");
  assertEquals(find({ begin: start + 2_000, end: start + 4_000 }), "234");
  assertEquals(find({ key: "5", byTag: true }), "5");
});

Deno.test("readQueue - a filter that lets nothing pass is looked through in parts", () => {
  const { store } = createStore({ maxSize: 10_000_000 });
  for (let index = 0; index < 1_000; index++) store.put(message({ properties: { TAGS: "a" } }));
  const code = tagCodeOf("b");
  const read = (offset: number) =>
    readQueue(store, {
      ...{ topic: "T", queueId: 0, offset, maxMessages: 32 },
      matches: (tagCode) => tagCode === code,
    });
  assertEquals(read(0), {
    ...{ status: "NO_MATCHED_MESSAGE", nextOffset: 800, maxOffset: 1_000, records: [] },
  });
  assertEquals(read(800).nextOffset, 1_000);
});
