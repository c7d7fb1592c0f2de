import { assertEquals, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { ShopDatabase } from "../../examples/order_service/shop_database.ts";
import { SqliteDatabase } from "../../examples/order_service/sqlite_database.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { HAS_POSTGRES, makeSchema } from "../consumer/databases.ts";
import { startExample } from "./example_program.ts";
import { crashAndSettle, CRASHES, readTable, startOrderService } from "./order_service_steps.ts";
import { TemporaryFolder } from "./temporary_folder.ts";

/** Where the service keeps what it has. */
const DATA = "order_service_data";

Deno.test("order service - after a crash at any of the worst moments a second run settles everything", async () => {
  const points = Object.keys(CRASHES) as (keyof typeof CRASHES)[];
  await Promise.all(points.map(async (point) => {
    await using folder = await TemporaryFolder.make();
    await crashAndSettle(folder.path, point);
  }));
});

if (HAS_POSTGRES) {
  Deno.test("order service - on PostgreSQL a second run settles everything, too", async () => {
    await using folder = await TemporaryFolder.make();
    await crashAndSettle(folder.path, "local", ["--database", await makeSchema()]);
  });
}

Deno.test("order service - a run without a crash leaves nothing to be settled", async () => {
  await using folder = await TemporaryFolder.make();
  for (const count of [6, 12]) {
    await using run = await startOrderService(folder.path);
    assertEquals(await run.exit(), 0, run.output);
    assertEquals(run.stdout.includes("settling"), false, run.output);
    const messages = readTable(run).map(({ messages }) => messages);
    assertEquals(messages.length, count);
    // Not one is seen twice, as nothing went wrong.
    assertEquals(new Set(messages), new Set(["0", "1"]));
  }
});

Deno.test("order service - an order without a message, and a message without an order, are told", async () => {
  await using folder = await TemporaryFolder.make();
  {
    await using run = await startOrderService(folder.path);
    assertEquals(await run.exit(), 0, run.output);
  }
  using shop = new DatabaseSync(`${folder.path}/${DATA}/shop.db`);
  shop.exec("DELETE FROM orders WHERE order_id = 'order-1'");
  shop.exec("INSERT INTO orders VALUES ('order-2', 'x', 1)");
  await using run = await startOrderService(folder.path, ["--orders=1"]);
  assertEquals(await run.exit(), 1, run.output);
  assertStringIncludes(run.stderr, "do not agree on order-1, order-2");
});

Deno.test("order service - a message that comes a second time ships nothing a second time", async () => {
  await using folder = await TemporaryFolder.make();
  {
    await using run = await startOrderService(folder.path, ["--orders=3"]);
    assertEquals(await run.exit(), 0, run.output);
  }
  using warehouse = new DatabaseSync(`${folder.path}/${DATA}/warehouse.db`);
  warehouse.exec("UPDATE consumer_offsets SET next_offset = 0"); // it reads everything again
  await using again = await startOrderService(folder.path, ["--orders=1"]);
  assertEquals(await again.exit(), 0, again.output);
  const table = readTable(again).map(({ messages, shipments }) => [messages, shipments]);
  assertEquals(table, [["2", "1"], ["0", "0"], ["2", "1"], ["1", "1"]]);
  assertStringIncludes(again.stdout, "The message of order-1, order-3 is there twice");
});

Deno.test("order service - a recovery job settles what a crashed service has left open", async () => {
  await using folder = await TemporaryFolder.make();
  await using broker = await EmbeddedBroker.start({ topics: ["orders"] });
  const args = [`--nameserver=${broker.nameServer}`, "--idle-timeout=3"];
  {
    await using crashed = await startOrderService(folder.path, [...args, "--crash-after=local"]);
    assertEquals(await crashed.exit(), 137, crashed.output);
  }
  assertEquals((await broker.halfMessages()).length, 1);

  const path = "order_service/recovery_job.ts";
  await using job = await startExample(path, args, { cwd: folder.path });
  assertEquals(await job.exit(), 0, job.output);
  assertEquals(job.lines, ["1 committed, 0 rolled back, 0 still open"]);

  assertEquals(await broker.halfMessages(), []);
  const keys = (await broker.messages("orders")).flatMap(({ keys }) => keys).sort();
  assertEquals(keys, ["order-1", "order-3", "order-4"]);
});

Deno.test("order service - an order that comes after a check-back was told no is not placed", async () => {
  await using folder = await TemporaryFolder.make();
  await using oneConnection = new SqliteDatabase(`${folder.path}/shop.db`);
  await using another = new SqliteDatabase(`${folder.path}/shop.db`);
  const slow = await ShopDatabase.open(oneConnection), checker = await ShopDatabase.open(another);
  const first = await slow.request("a customer", 100);
  const second = await slow.request("another", 100);

  assertEquals(await checker.turnDown("transaction-1", first.id), "ROLLBACK");
  assertEquals(await slow.place("transaction-1", first), "ROLLBACK");
  assertEquals(await slow.place("transaction-2", second), "COMMIT");
  assertEquals(await checker.turnDown("transaction-2", second.id), "COMMIT");

  assertEquals(await checker.rows(), [
    { orderId: "order-1", isPlaced: false, decision: "ROLLBACK" },
    { orderId: "order-2", isPlaced: true, decision: "COMMIT" },
  ]);
});

Deno.test("order service - Ctrl+C ends it, and the next run settles what is open", async () => {
  await using folder = await TemporaryFolder.make();
  {
    await using run = await startOrderService(folder.path, ["--orders=100000"]);
    await run.until("the first orders", () => run.lines.length > 5);
    run.signal("SIGINT");
    assertEquals(await run.exit(), 130, run.output);
    assertStringIncludes(run.stderr, "the next run settles what is open");
  }
  await using second = await startOrderService(folder.path, ["--orders=1"]);
  assertEquals(await second.exit(), 0, second.output);
  assertStringIncludes(second.stdout, "settling");
});
