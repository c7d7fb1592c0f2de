// deno-lint-ignore-file no-console
/**
 * Shows how long it takes until the first transaction is confirmed, and what importing the module
 * takes of that.
 *
 *     deno task bench:startup
 *     deno task bench:startup --namesrv 127.0.0.1:9876 --rounds 20
 *
 * @module
 */
import { UsageError } from "./arguments.ts";
import { readImportTree } from "./import_tree.ts";
import { LineProcess } from "./line_process.ts";
import { statusLine } from "./status_line.ts";

/** Milliseconds that one process measured. */
export interface StartTimes {
  /** Import of `mod.ts`. */
  imported: number;
  /** With the first producer of the process, from the call of `start()` on. */
  cold?: { start: number; first: number };
  /** With the second one. */
  warm?: { start: number; first: number };
}

const HELP = `Usage: deno task bench:startup [--rounds N] [--namesrv HOST:PORT] [--limit MS]

Prints the time of an import of mod.ts in a new process, with a warm module cache and unchecked
types; the time from start() to the first confirmed transaction, cold, in a new process, and warm,
with a second producer in it; and what is imported at run time. Medians, in milliseconds.

  --rounds   processes, one after another; default: 11
  --namesrv  name server of a running broker, which has to have or make topic_0; default: a process
             that answers as brokers do
  --limit    milliseconds that the import may take; default: 50

Exit code 0: the import is below the limit. 1: it is not, or a transaction failed. 2: wrong
arguments.`;

interface Wanted {
  rounds: number;
  limit: number;
  namesrv?: string;
  help: boolean;
}

/** @throws {UsageError} */
function readArguments(args: readonly string[]): Wanted {
  const wanted: Wanted = { rounds: 11, limit: 50, help: args.includes("--help") };
  if (wanted.help) return wanted;
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i]!, value = args[i + 1] ?? "", number = Number(value);
    if (name === "--rounds" && Number.isSafeInteger(number) && number > 0) wanted.rounds = number;
    else if (name === "--limit" && number > 0) wanted.limit = number;
    else if (name === "--namesrv" && value !== "") wanted.namesrv = value;
    else throw new UsageError(`Cannot use ${name} ${value}`);
  }
  return wanted;
}

/** Runs the processes one after another. */
async function measure({ rounds, namesrv }: Wanted): Promise<StartTimes[]> {
  using status = statusLine();
  await using processes = new AsyncDisposableStack();
  const responder = namesrv === undefined
    ? processes.use(new LineProcess("./responder.ts", []))
    : undefined;
  const nameServer = namesrv ?? await responder!.readLine();
  const all: StartTimes[] = [];
  // The first process fills the module cache.
  for (let round = 0; round <= rounds; round++) {
    status.show(`${round} of ${rounds}`);
    await using once = new LineProcess("./start_once.ts", [nameServer], responder);
    const times: StartTimes = JSON.parse(await once.readLine());
    if (round > 0) all.push(times);
  }
  return all;
}

async function show(wanted: Wanted): Promise<boolean> {
  const all = await measure(wanted);
  const row = (name: string, values: number[]) => {
    const sorted = values.toSorted((a, b) => a - b);
    const cells = [sorted[sorted.length >> 1]!, sorted[0]!, sorted.at(-1)!];
    console.log(`| ${name} | ${cells.map((value) => value.toFixed(1)).join(" | ")} |`);
    return cells[0]!;
  };
  console.log("| | median ms | least | most |\n| --- | ---: | ---: | ---: |");
  const imported = row("import of mod.ts, new process", all.map(({ imported }) => imported));
  row("start(), cold", all.map(({ cold }) => cold!.start));
  row("start() to the first confirmed transaction, cold", all.map(({ cold }) => cold!.first));
  row("start(), warm", all.map(({ warm }) => warm!.start));
  row("start() to the first confirmed transaction, warm", all.map(({ warm }) => warm!.first));
  const tree = await readImportTree();
  console.log("\n| imported at run time | modules | KiB |\n| --- | ---: | ---: |");
  for (const [origin, { modules, bytes }] of tree) {
    console.log(`| ${origin} | ${modules} | ${(bytes / 1024).toFixed(0)} |`);
  }
  if (imported > wanted.limit) console.error(`the import is over its limit of ${wanted.limit} ms`);
  return imported <= wanted.limit;
}

if (import.meta.main) {
  try {
    const wanted = readArguments(Deno.args);
    if (wanted.help) console.log(HELP);
    else Deno.exitCode = await show(wanted) ? 0 : 1;
  } catch (error) {
    const isUsage = error instanceof UsageError;
    console.error(error instanceof Error ? error.message : error);
    if (isUsage) console.error(`\n${HELP}`);
    Deno.exitCode = isUsage ? 2 : 1;
  }
}
