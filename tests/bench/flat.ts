// deno-lint-ignore-file no-console
/**
 * Shows that the cost of a transaction does not grow with what else there is: transactions under
 * way, brokers, topics, transactions before it.
 *
 *     deno task bench:flat
 *     deno task bench:flat --part length --messages 10000000
 *
 * @module
 */
import { UsageError } from "./arguments.ts";
import { type FlatPart, type FlatWanted, HELP, readFlatArguments } from "./flat_arguments.ts";
import { measureHour } from "./flat_hour.ts";
import { measureLength } from "./flat_length.ts";
import { measureRows, type Setting } from "./flat_rows.ts";
import { printTable } from "./flat_table.ts";

const IN_FLIGHT = [1, 10, 100, 1_000, 10_000];
const BROKERS = [1, 4, 16, 64];
const TOPICS = [1, 10, 100, 1_000];

/** Transactions under way for each broker, where it is not that which grows. */
const IN_FLIGHT_EACH = 16;

interface Table {
  /** What the first column tells. */
  first: string;
  settings: readonly Setting[];
}

function topicTable(brokers: number): Table {
  const inFlight = IN_FLIGHT_EACH * brokers;
  const settings = TOPICS.map((topics) => ({ label: topics, inFlight, brokers, topics }));
  return { first: brokers === 1 ? "topics on 1 broker" : `topics on ${brokers} brokers`, settings };
}

const TABLES: Record<Exclude<FlatPart, "length" | "hour">, readonly Table[]> = {
  inflight: [{
    first: "in flight",
    settings: IN_FLIGHT.map((inFlight) => ({ label: inFlight, inFlight, brokers: 1, topics: 1 })),
  }],
  brokers: [{
    first: `brokers, ${IN_FLIGHT_EACH} in flight on each`,
    settings: BROKERS.map((brokers) => {
      return { label: brokers, inFlight: IN_FLIGHT_EACH * brokers, brokers, topics: 1 };
    }),
  }],
  topics: [topicTable(1), topicTable(64)],
};

/** Gives whether all parts stayed below the limit. */
async function showAll(wanted: FlatWanted): Promise<boolean> {
  let flat = true;
  for (const part of wanted.parts) {
    if (part === "length") flat = await measureLength(wanted) && flat;
    else if (part === "hour") flat = await measureHour(wanted) && flat;
    else {
      for (const { first, settings } of TABLES[part]) {
        flat = printTable(first, await measureRows(settings, wanted), wanted.limit) && flat;
        console.log();
      }
    }
  }
  return flat;
}

if (import.meta.main) {
  try {
    const wanted = readFlatArguments(Deno.args);
    if (wanted.help) console.log(HELP);
    else Deno.exitCode = await showAll(wanted) ? 0 : 1;
  } catch (error) {
    const isUsage = error instanceof UsageError;
    console.error(error instanceof Error ? error.message : error);
    if (isUsage) console.error(`\n${HELP}`);
    Deno.exitCode = isUsage ? 2 : 1;
  }
}
