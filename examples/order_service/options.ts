import { CRASH_POINTS, type CrashPoint } from "./crash.ts";

/** How the program is used. */
export const USAGE =
  `Takes orders: each is written to SQLite and made known by a transactional message, or neither.
Then it reads what became visible, and compares.

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
  nameServers?: string;
  topic: string;
  /** In milliseconds. */
  idleTimeout?: number;
}

/** That an argument can't be understood. */
export class UsageError extends Error {}

/**
 * Reads the arguments; nothing when help is wanted.
 *
 * @throws {UsageError} when one can't be understood.
 */
export function parseOptions(args: readonly string[]): Options | undefined {
  const options: Options = { orders: 6, data: "order_service_data", topic: "orders" };
  const rest = args.flatMap((arg) => /^--[a-z-]+=/.test(arg) ? splitOnce(arg) : [arg]);
  while (rest.length > 0) {
    const name = rest.shift()!;
    if (name === "--help" || name === "-h") return undefined;
    const value = (): string => {
      const text = rest.shift();
      if (!text) throw new UsageError(`The option ${name} needs a value`);
      return text;
    };
    if (name === "--crash-after") options.crashAfter = crashPoint(value());
    else if (name === "--orders") options.orders = wholeNumber(name, value());
    else if (name === "--data") options.data = value();
    else if (name === "--nameserver") options.nameServers = value();
    else if (name === "--topic") options.topic = value();
    else if (name === "--idle-timeout") options.idleTimeout = wholeNumber(name, value()) * 1_000;
    else throw new UsageError(`Cannot understand the argument "${name}"`);
  }
  return options;
}

function splitOnce(arg: string): [string, string] {
  const at = arg.indexOf("=");
  return [arg.slice(0, at), arg.slice(at + 1)];
}

function crashPoint(text: string): CrashPoint {
  const point = CRASH_POINTS.find((name) => name === text);
  if (point) return point;
  throw new UsageError(`The option --crash-after is one of ${CRASH_POINTS.join(", ")}`);
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UsageError(`The option ${name} needs a whole number from 1 to 999999`);
}
