import { assertEquals } from "@std/assert";
import { FakeOpenTelemetry } from "../telemetry/fake_open_telemetry.ts";
import { Shop, textOf, TOPIC, until } from "./support.ts";

Deno.test("telemetry - a handler runs in a span of the message's trace, and is counted and timed", async () => {
  using telemetry = new FakeOpenTelemetry();
  await using shop = await Shop.open();
  await using consumer = await shop.start({ retry: { attempts: 1 } });
  await shop.send(["good", "bad"], { tags: "paid" });
  const seen: string[] = [];
  consumer.run((message) => {
    seen.push(`${textOf(message)} in ${telemetry.activeSpan !== undefined}`);
    if (textOf(message) === "bad") throw new TypeError("no stock");
  });
  await until("both are handled", () => seen.length === 2);
  await consumer.close();
  assertEquals(seen.toSorted(), ["bad in true", "good in true"]);
  const spans = telemetry.spans.filter(({ name }) => name === `process ${TOPIC}`);
  assertEquals(spans.map(({ kind }) => kind), [4, 4]);
  const tree = telemetry.tree().filter((line) => line.startsWith("process"));
  assertEquals(tree, Array(2).fill(`process ${TOPIC} < send ${TOPIC}`));
  const errors = spans.map(({ attributes }) => attributes["error.type"]);
  assertEquals(errors.filter((it) => it !== undefined), ["TypeError"]);
  for (const { attributes } of spans) {
    assertEquals(attributes["messaging.consumer.group.name"], "warehouse");
    assertEquals(attributes["rocketmq.message.tag"], "paid");
  }
  const measured = telemetry.measurements.filter(({ name }) => /process|consumed/.test(name));
  assertEquals(measured.map(({ name }) => name).toSorted(), [
    ...Array(2).fill("messaging.client.consumed.messages"),
    ...Array(2).fill("messaging.process.duration"),
  ]);
});
