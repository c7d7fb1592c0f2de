import { assertEquals } from "@std/assert";
import type { MessageQueue } from "../../src/message/mod.ts";
import { QueueSelector } from "../../src/route/mod.ts";

const queues: MessageQueue[] = [["a", 0], ["a", 1], ["b", 0], ["b", 1]].map(([name, queueId]) => ({
  topic: "T",
  brokerName: name as string,
  queueId: queueId as number,
}));

function take(selector: QueueSelector, count: number, avoid?: Set<string>): string[] {
  return Array.from({ length: count }, () => {
    const queue = selector.select(queues, avoid);
    return `${queue?.brokerName}${queue?.queueId}`;
  });
}

Deno.test("selector - takes all queues in turn, again and again", () => {
  const selector = new QueueSelector(() => 0);
  assertEquals(take(selector, 9), ["a0", "a1", "b0", "b1", "a0", "a1", "b0", "b1", "a0"]);
});

Deno.test("selector - begins where chance says", () => {
  const starts = Array.from(
    { length: 64 },
    (_, i) => take(new QueueSelector(() => i / 64), 1)[0],
  );
  assertEquals(new Set(starts).size, 4);
  let asked = 0;
  const selector = new QueueSelector(() => asked++ && 0.5);
  take(selector, 10);
  assertEquals(asked, 1);
  assertEquals(new QueueSelector(() => 1 - 2 ** -32).select(queues) !== undefined, true);
});

Deno.test("selector - avoids brokers as long as there is another", () => {
  const selector = new QueueSelector(() => 0);
  assertEquals(take(selector, 4, new Set(["a"])), ["b0", "b1", "b0", "b1"]);
  assertEquals(take(selector, 2), ["a0", "a1"]);
  assertEquals(take(selector, 1, new Set(["b"])), ["a0"]);
  assertEquals(take(selector, 4, new Set(["a", "b"])), ["a1", "b0", "b1", "a0"]);
});

Deno.test("selector - has none to give where there is none, and goes on when there are again", () => {
  const selector = new QueueSelector(() => 0.999);
  assertEquals([selector.select([]), selector.select([], new Set(["a"]))], [undefined, undefined]);
  assertEquals(selector.select(queues.slice(0, 1)), queues[0]);
  assertEquals(selector.select(queues.slice(0, 1)), queues[0]);
  assertEquals(new Set(take(selector, 4)).size, 4);
});
