#!/usr/bin/env -S deno run --allow-net --allow-read=order_service_data --allow-write=order_service_data
// deno-lint-ignore-file no-console
/**
 * An order service and a warehouse with real databases, which survive a crash at the worst moments.
 *
 *     examples/order_service/main.ts --crash-after local
 *     examples/order_service/main.ts
 *
 * @module
 */
import { EmbeddedBroker } from "@rocketmq-deno/client/testing";
import { runExample } from "../cli.ts";
import { compare } from "./comparison.ts";
import { Crash } from "./crash.ts";
import { openDatabase } from "./database.ts";
import { OPTIONS, type Options, readOptions, USAGE } from "./options.ts";
import { OrderService, type OrderServiceOptions, settle } from "./order_service.ts";
import { ShopDatabase } from "./shop_database.ts";
import { Warehouse } from "./warehouse.ts";

/** Milliseconds that a message whose commit was confirmed may take to be seen by consumers. */
const VISIBLE_WITHIN = 5_000;

/** Looks after which copies that are still to be read would have been seen. */
const LOOKS = 3;

const EMBEDDED_IDLE_TIMEOUT = 3_000, CLUSTER_IDLE_TIMEOUT = 90_000;

/** Takes orders and compares; true when both sides agree. */
async function run(options: Options, signal: AbortSignal): Promise<boolean> {
  const { data, topic } = options;
  Deno.mkdirSync(data, { recursive: true });
  await using broker = options.nameServers === undefined
    ? await EmbeddedBroker.start({ folder: `${data}/broker`, topics: [topic] })
    : undefined;
  const nameServers = options.nameServers ?? broker!.nameServer;
  await using shopTables = await openDatabase(options.database ?? `${data}/shop.db`);
  await using stock = await openDatabase(options.database ?? `${data}/warehouse.db`);
  const database = await ShopDatabase.open(shopTables);
  const crash = new Crash(options.crashAfter);
  const service: OrderServiceOptions = { nameServers, topic, database, crash };
  let open = 0;
  const recover = async (reason: string) => {
    const idleTimeout = options.idleTimeout ??
      (broker ? EMBEDDED_IDLE_TIMEOUT : CLUSTER_IDLE_TIMEOUT);
    const seconds = idleTimeout / 1_000;
    console.log(`${reason}: settling, until no check-back has come for ${seconds} s`);
    const { committed, rolledBack, openTransactions } = await settle(service, {
      idleTimeout,
      signal,
    });
    signal.throwIfAborted();
    open = openTransactions.length;
    console.log(
      `settled by check-backs: ${committed} committed, ${rolledBack} rolled back, ` +
        `${open} still open`,
    );
  };

  if (database.hasCrashed) await recover("The last run crashed");
  const unconfirmed = await takeOrders(options.orders, service, signal);
  if (unconfirmed > 0) await recover(`${unconfirmed} verdicts were not confirmed`);

  // After a crash its queues would be locked for a while, so it begins only now.
  const { shopId } = database;
  await using warehouse = await Warehouse.start(stock, { nameServers, topic, shopId }, signal);
  const comparison = await readUntilAgreed(database, warehouse, signal);
  const { orders, shipments, disagreements, repeated } = comparison;
  console.log(`\n${comparison.table}\n`);
  if (repeated.length > 0) {
    console.log(
      `The message of ${repeated.join(", ")} is there twice: a broker that is killed forgets the ` +
        "last verdicts and asks again. The warehouse knows an order by its id and ships once.",
    );
  }
  if (disagreements.length > 0) {
    console.error(`Orders and messages do not agree on ${disagreements.join(", ")}`);
    return false;
  }
  if (open > 0) {
    console.error(`${open} transactions are still open: run it again, or raise --idle-timeout`);
    return false;
  }
  await database.markClean();
  console.log(`${orders} orders, ${shipments} shipments: they agree`);
  return true;
}

/** Takes orders, one of them too large, and gives the number of verdicts that were not confirmed. */
async function takeOrders(
  count: number,
  options: OrderServiceOptions,
  signal: AbortSignal,
): Promise<number> {
  await using service = new OrderService(options);
  await service.start(signal);
  let unconfirmed = 0;
  for (let index = 0; index < count; index++) {
    signal.throwIfAborted();
    const isTooLarge = index % 4 === 1;
    const order = await options.database.request(`customer-${index}`, isTooLarge ? 250_000 : 4_990);
    if (index === Math.floor(count / 2)) options.crash.arm();
    const isConfirmed = await service.place(order, signal);
    if (!isConfirmed) unconfirmed++;
    console.log(`${order.id}: ${isConfirmed ? "done" : "a check-back will decide"}`);
  }
  return unconfirmed;
}

/** Looks at what was shipped, until it agrees and stays, or the time is over in which it should. */
async function readUntilAgreed(
  database: ShopDatabase,
  warehouse: Warehouse,
  signal: AbortSignal,
) {
  let last: string | undefined, unchanged = 0;
  for (const deadline = Date.now() + VISIBLE_WITHIN;;) {
    signal.throwIfAborted();
    const comparison = compare(await database.rows(), await warehouse.shipments());
    unchanged = comparison.table === last ? unchanged + 1 : 0;
    last = comparison.table;
    const agrees = comparison.disagreements.length === 0 && unchanged >= LOOKS;
    if (agrees || Date.now() > deadline) return comparison;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

await runExample(USAGE, OPTIONS, async (values, signal) => {
  try {
    return await run(readOptions(values), signal) ? 0 : 1;
  } catch (error) {
    if (signal.aborted) console.error("Interrupted: the next run settles what is open");
    throw error;
  }
});
