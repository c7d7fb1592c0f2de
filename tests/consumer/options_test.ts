import { assertEquals, assertThrows } from "@std/assert";
import { Consumer, type ConsumerOptions } from "../../src/consumer/mod.ts";
import { InvalidArgumentError } from "../../src/errors.ts";

const good: ConsumerOptions = {
  nameServers: "127.0.0.1:9876",
  group: "warehouse",
  subscriptions: { orders: "*" },
};

Deno.test("options - what can't be meant is refused before anything is connected, and the error says why", () => {
  const wrong: [Record<string, unknown>, string][] = [
    [{ group: "" }, "consumer group: a name is needed"],
    [{ group: "a b" }, 'the character " "'],
    [{ group: "g".repeat(121) }, "at most 120"],
    [{ subscriptions: { "a/b": "*" } }, 'the character "/"'],
    [{ subscriptions: {} }, "at least one topic"],
    [{ nameServers: undefined }, "nameServers"],
    [{ startFrom: "earliest" }, 'it must be "first", "last" or a Date'],
    [{ startFrom: new Date(NaN) }, "a Date since 1970"],
    [{ concurrency: 0 }, "concurrency"],
    [{ concurrency: NaN }, "concurrency"],
    [{ buffer: { bytes: 1 } }, "buffer.bytes"],
    [{ retry: { attempts: 0 } }, "retry.attempts"],
    [{ retry: { delay: -1 } }, "retry.delay"],
    [{ retry: { then: "stop" } }, "with an order"],
    [{ retry: { then: "skip" }, order: "queue" }, "retry.then"],
    [{ order: "key" }, "order"],
    [{ allocation: "hash" }, "allocation"],
    [{ handOverTimeout: 0 }, "handOverTimeout"],
    [{ retry: { delay: 7_200_001 } }, "7200000"],
  ];
  for (const [options, part] of wrong) {
    const make = () => new Consumer({ ...good, ...options } as ConsumerOptions);
    assertThrows(make, InvalidArgumentError, part);
  }
  assertThrows(() => new Consumer(null as never), InvalidArgumentError, "not an object");
  assertEquals(new Consumer(good) instanceof Consumer, true);
});
