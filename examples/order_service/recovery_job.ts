#!/usr/bin/env -S deno run --allow-net --allow-read=order_service_data --allow-write=order_service_data
// deno-lint-ignore-file no-console
/**
 * Recovery as a job of its own: settles what a crashed order service has left open and ends, for
 * instance before the last instance of the service is taken away, or as an init container.
 *
 *     examples/order_service/main.ts --nameserver 127.0.0.1:9876 --crash-after local
 *     examples/order_service/recovery_job.ts --nameserver 127.0.0.1:9876
 */
import { runExample } from "../cli.ts";
import { Crash } from "./crash.ts";
import { openDatabase } from "./database.ts";
import { wholeNumber } from "./options.ts";
import { settle } from "./order_service.ts";
import { ShopDatabase } from "./shop_database.ts";

const USAGE = `Answers check-backs about the orders of a service that is gone, then ends.

Usage: recovery_job.ts [--nameserver HOST:PORT] [--topic NAME] [--data FOLDER]
                       [--database URL] [--idle-timeout SECONDS]

  --data FOLDER           Where the database is (default order_service_data).
  --database URL          A PostgreSQL database instead, postgres://USER:PASSWORD@HOST:PORT/NAME. Its
                          driver is npm:pg, which needs --allow-env as well.
  --idle-timeout SECONDS  How long no check-back may come before all is settled (default 90: two
                          rounds of a broker with default settings).

Exit codes: 0 all is settled, 1 something is open or the cluster failed, 2 wrong arguments,
130 interrupted by Ctrl+C.`;

const OPTIONS = {
  nameserver: { type: "string", default: "127.0.0.1:9876" },
  topic: { type: "string", default: "orders" },
  data: { type: "string", default: "order_service_data" },
  database: { type: "string" },
  "idle-timeout": { type: "string", default: "90" },
} as const;

await runExample(USAGE, OPTIONS, async (values, signal) => {
  const { nameserver, topic, data } = values;
  const idleTimeout = wholeNumber("idle-timeout", values["idle-timeout"]) * 1_000;
  await using database = await openDatabase(values.database ?? `${data}/shop.db`);
  const shop = await ShopDatabase.open(database);
  const { committed, rolledBack, openTransactions, aborted } = await settle(
    { nameServers: nameserver, topic, database: shop, crash: new Crash() },
    { idleTimeout, signal },
  );
  console.log(
    `${committed} committed, ${rolledBack} rolled back, ${openTransactions.length} still open`,
  );
  if (aborted) return 130;
  if (openTransactions.length > 0) return 1;
  await shop.markClean();
  return 0;
});
