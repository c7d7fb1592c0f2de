import { assertEquals } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { EmbeddedBroker, type Inspector, serveInspector } from "../../src/testing/mod.ts";
import { eventually } from "../support/progress.ts";
import { InspectedOrders } from "./inspected_orders.ts";
import type { Json } from "../support/dev_tools.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

/** What an inspector says of a transaction, once it is so. */
async function detailOnce(
  { url }: Inspector,
  id: string,
  isSo: (detail: Json) => boolean,
): Promise<Json> {
  let detail: Json;
  const holds = async () => {
    const response = await fetch(`${url}transactions/${id}`);
    detail = response.ok ? await response.json() : await response.body?.cancel();
    return detail !== undefined && isSo(detail);
  };
  if (await eventually(holds, 20_000)) return detail;
  throw new Error(`The inspector says of ${id}: ${JSON.stringify(detail)}`);
}

async function message({ url }: Inspector, id: string): Promise<Json> {
  return await (await fetch(`${url}transactions/${id}/message`)).json();
}

function titles({ steps }: Json): string[] {
  return steps.map(({ title, origin }: { title: string; origin: string }) => `${origin}: ${title}`);
}

Deno.test("inspector - shows both sides of a transaction, in the order of what happened", async () => {
  await using orders = await InspectedOrders.start();
  const { inspector } = orders;
  const id = await orders.send(Rollback, { keys: "order-1" });
  const isOver = (detail: Json) =>
    titles(detail).includes("producer: Verdict confirmed: roll back");
  const detail = await detailOnce(inspector, id, isOver);
  assertEquals(detail.state, "rolledBack");
  assertEquals([detail.topic, detail.group, detail.keys], ["orders", "order_service", ["order-1"]]);
  assertEquals(detail.isWhole, true);
  const said = titles(detail);
  assertEquals(said.slice(0, 3), [
    "broker: Half message stored",
    "producer: Half message confirmed",
    "producer: Local transaction: roll back",
  ]);
  assertEquals(
    new Set(said.slice(3)),
    new Set([
      "broker: Verdict: roll back",
      "broker: Rolled back",
      "producer: Verdict confirmed: roll back",
    ]),
  );
});

Deno.test("inspector - a message is shown wherever the broker has it", async () => {
  await using orders = await InspectedOrders.start();
  const { broker, inspector } = orders;
  const paid = await orders.send(Commit, { body: "paid", tags: "placed" });
  const declined = await orders.send(Rollback, { body: "declined" });
  const lost = await orders.send(Unknown, { body: "lost" });
  assertEquals((await message(inspector, lost)).body, "lost");
  for (let check = 1; check <= 2; check++) {
    broker.checkNow();
    await detailOnce(inspector, lost, ({ checks }) => checks === check);
  }
  broker.checkNow();
  await detailOnce(inspector, lost, ({ state }) => state === "givenUp");
  assertEquals((await message(inspector, lost)).body, "lost");
  const { body, size, tags, properties } = await message(inspector, paid);
  assertEquals([body, size, tags, properties.UNIQ_KEY], ["paid", 4, "placed", paid]);
  assertEquals(await message(inspector, declined), null);
});

Deno.test("inspector - a long message is cut, and one that is no text does no harm", async () => {
  await using orders = await InspectedOrders.start();
  const body = new Uint8Array(100_000).fill(0xff);
  const id = await orders.send(Commit, { body });
  await detailOnce(orders.inspector, id, ({ state }) => state === "visible");
  const found = await message(orders.inspector, id);
  assertEquals([found.body.length, found.size], [4_096, 100_000]);
});

Deno.test("inspector - finds what was open before it looked on", async () => {
  await using orders = await InspectedOrders.start();
  const id = await orders.send(Unknown, { keys: "order-1" });
  const settled = await orders.send(Commit);
  await using later = await serveInspector({ broker: orders.broker });
  const detail = await detailOnce(later, id, () => true);
  assertEquals([detail.state, detail.keys, detail.isWhole], ["open", ["order-1"], true]);
  assertEquals(titles(detail), ["broker: Half message found"]);
  const response = await fetch(`${later.url}transactions/${settled}`);
  await response.body?.cancel();
  assertEquals(response.status, 404);
});

Deno.test("inspector - a producer alone tells how its transactions ended", async () => {
  await using broker = await EmbeddedBroker.start({
    listen: false,
    topics: ["orders"],
    transactionCheckInterval: Infinity,
  });
  await using producer = new TransactionProducer<() => LocalTransactionState>({
    nameServers: broker.nameServer,
    producerGroup: "shop",
    topics: ["orders"],
    dialer: broker.dialer,
    transactionListener: {
      executeLocalTransaction: (_message, work) => work(),
      checkLocalTransaction: () => Rollback,
    },
  });
  await using inspector = await serveInspector({ producer });
  await producer.start();
  const send = async (work: () => LocalTransactionState) => {
    const outgoing = { topic: "orders", body: "an order" };
    return (await producer.sendMessageInTransaction(outgoing, work)).transactionId;
  };
  const paid = await send(() => Commit);
  await detailOnce(inspector, paid, ({ state }) => state === "visible");
  const broken = await send(() => {
    throw new Error("no connection to the database");
  });
  const waiting = await detailOnce(inspector, broken, ({ steps }) => steps.length >= 3);
  assertEquals(waiting.state, "open");
  assertEquals(waiting.steps[1].detail, "It threw: no connection to the database");
  broker.checkNow();
  await detailOnce(inspector, broken, ({ state }) => state === "rolledBack");
});
