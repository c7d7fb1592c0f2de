import { UsageError } from "./arguments.ts";

/** What grows from one row to the next. */
export const PARTS = ["inflight", "brokers", "topics", "length", "hour"] as const;

/** One of them. */
export type FlatPart = typeof PARTS[number];

/** What the command line wants. */
export interface FlatWanted {
  /** What is to be seen. */
  parts: readonly FlatPart[];
  /** Transactions of each measurement. */
  transactions: number;
  /** Measurements of each row. */
  rounds: number;
  /** Transactions of the long run. */
  messages: number;
  /** Minutes that the part `hour` takes. */
  minutes: number;
  /** How much more than the least a transaction may cost. */
  limit: number;
  /** Only tells the usage. */
  help: boolean;
}

/** The usage of the command. */
export const HELP = `Usage: deno task bench:flat [--part ${PARTS.join("|")}]
                            [--transactions N] [--rounds N] [--messages N] [--minutes N]
                            [--limit RATIO]

Sends confirmed transactions to a process that answers as brokers do, and prints the CPU time of
this process for one of them, and its memory, while one thing grows:

  inflight   1 to 10,000 transactions under way at once
  brokers    1 to 64 brokers, with as many under way on each
  topics     1 to 1,000 topics, on one broker and on 64
  length     a run of --messages transactions, by tenths
  hour       the first and the last of --minutes, with heartbeats and check-backs in between

  --part          one of them; may be given again; default: all but hour
  --transactions  of each measurement; default: 30000
  --rounds        measurements of each row, of which the median is shown; default: 5
  --messages      length of the long run, which can be 10000000; default: 500000
  --minutes       how long the part hour takes; default: 60
  --limit         how many times the cost of the first row another may have; default: 1.5

Exit code 0: no row is over the limit. 1: one is, or a transaction failed. 2: wrong arguments.`;

/** @throws {UsageError} */
export function readFlatArguments(args: readonly string[]): FlatWanted {
  const parts: FlatPart[] = [];
  const wanted: FlatWanted = {
    parts: PARTS.filter((part) => part !== "hour"),
    transactions: 30_000,
    rounds: 5,
    messages: 500_000,
    minutes: 60,
    limit: 1.5,
    help: args.includes("--help"),
  };
  if (wanted.help) return wanted;
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i]!, value = args[i + 1] ?? "", number = Number(value);
    const isCount = value !== "" && Number.isSafeInteger(number) && number > 0;
    if (name === "--part" && PARTS.includes(value as FlatPart)) parts.push(value as FlatPart);
    else if (name === "--limit" && number > 0) wanted.limit = number;
    else if (name === "--minutes" && number > 0) wanted.minutes = number;
    else if (name === "--transactions" && isCount) wanted.transactions = number;
    else if (name === "--rounds" && isCount) wanted.rounds = number;
    else if (name === "--messages" && isCount) wanted.messages = number;
    else throw new UsageError(`Cannot use ${name} ${value}`);
  }
  if (parts.length > 0) wanted.parts = parts;
  return wanted;
}
