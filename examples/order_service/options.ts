import { UsageError, type Values } from "../cli.ts";
import { CRASH_POINTS, type CrashPoint } from "./crash.ts";

/** How the program is used. */
export const USAGE =
  `Takes orders: each is written to a database and made known by a transactional message, or neither.
Then a warehouse reads what became visible and ships it, and both are compared.

Usage: main.ts [OPTION...]

  --crash-after POINT     End on the spot in the middle of an order, as if killed:
                            half     its half message is stored, nothing is in the database
                            local    it is in the database, the verdict has not left
                            verdict  the verdict has left, no answer has come
                          The next run settles what was left open.
  --orders N              How many orders to take (default 6).
  --data FOLDER           Where both databases are, and the messages of the embedded broker (default
                          order_service_data). Another one needs permissions of its own:
                          deno run --allow-net --allow-read=FOLDER --allow-write=FOLDER main.ts …
  --database URL          A PostgreSQL database for both sides, instead of two files of SQLite:
                          postgres://USER:PASSWORD@HOST:PORT/NAME. Its driver is npm:pg, which needs
                          --allow-env as well.
  --nameserver HOST:PORT  A running cluster, several name servers with ; between. Without it the
                          orders go through the embedded broker, which needs nothing installed.
  --topic NAME            Topic of the messages (default orders).
  --idle-timeout SECONDS  After a crash, how long no check-back may come before all is settled
                          (default 90 on a cluster: two rounds of a broker with default settings;
                          3 on the embedded broker).
  --help                  This text.

Exit codes: 0 orders and messages agree, 1 they do not or the cluster failed, 2 wrong arguments,
130 interrupted by Ctrl+C, 137 ended by --crash-after.`;

/** What the program was asked for. */
export interface Options {
  crashAfter?: CrashPoint;
  orders: number;
  data: string;
  /** Both databases, if they are no files. */
  database?: string;
  nameServers?: string;
  topic: string;
  /** In milliseconds. */
  idleTimeout?: number;
}

export const OPTIONS = {
  "crash-after": { type: "string" },
  orders: { type: "string", default: "6" },
  data: { type: "string", default: "order_service_data" },
  database: { type: "string" },
  nameserver: { type: "string" },
  topic: { type: "string", default: "orders" },
  "idle-timeout": { type: "string" },
} as const;

/** @throws {UsageError} when a value is none that the option takes. */
export function readOptions(values: Values<typeof OPTIONS>): Options {
  const { "crash-after": crash, "idle-timeout": idle, nameserver, data, topic, database } = values;
  return {
    orders: wholeNumber("orders", values.orders),
    data,
    topic,
    ...crash !== undefined && { crashAfter: crashPoint(crash) },
    ...database !== undefined && { database },
    ...nameserver !== undefined && { nameServers: nameserver },
    ...idle !== undefined && { idleTimeout: wholeNumber("idle-timeout", idle) * 1_000 },
  };
}

function crashPoint(text: string): CrashPoint {
  const point = CRASH_POINTS.find((name) => name === text);
  if (point) return point;
  throw new UsageError(`The option --crash-after is one of ${CRASH_POINTS.join(", ")}`);
}

/** @throws {UsageError} */
export function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UsageError(`The option --${name} needs a whole number from 1 to 999999`);
}
