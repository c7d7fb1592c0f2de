// deno-lint-ignore-file no-console
/**
 * Shows how fast check-backs are answered: a process that asks as a broker does about many
 * transactions, and another with the producer.
 *
 *     deno task bench:checks
 *     deno task bench:checks --checks 200000
 *
 * @module
 */
import { UsageError } from "./arguments.ts";
import type { AnswerOrder, AnswerReport, AskOrder, AskReport } from "./check_orders.ts";
import { LineProcess } from "./line_process.ts";
import { statusLine } from "./status_line.ts";

const HELP = `Usage: deno task bench:checks [--checks N]

Asks a producer about transactions that it does not know, and prints how many questions it answers a
second, whether each transaction was answered once and on its newest half message, and the most
memory that its process had. A broker "in step" has at most 1500 questions open, one "all at once"
asks about everything, and again about what the producer dropped: more than checkRequestHoldMax.

  --checks  transactions that are asked about; default: 50000

Exit code 0: each was answered once, on its newest half message. 1: not so. 2: wrong arguments.`;

const IN_STEP = 1_500, ALL_AT_ONCE = 1e9;

const SETTINGS: readonly { delay: number; concurrency: number; window: number }[] = [
  { delay: 0, concurrency: 64, window: IN_STEP },
  { delay: 0, concurrency: 64, window: ALL_AT_ONCE },
  { delay: 1, concurrency: 64, window: IN_STEP },
  { delay: 1, concurrency: 64, window: ALL_AT_ONCE },
  { delay: 1, concurrency: 1_000, window: IN_STEP },
  { delay: 1, concurrency: 1_000, window: ALL_AT_ONCE },
];

function readArguments(args: readonly string[]): { checks: number; help: boolean } {
  if (args.includes("--help")) return { checks: 0, help: true };
  if (args.length === 0) return { checks: 50_000, help: false };
  const checks = Number(args[1]);
  if (args[0] !== "--checks" || args.length !== 2 || !Number.isSafeInteger(checks) || checks < 1) {
    throw new UsageError(`Cannot use ${args.join(" ")}`);
  }
  return { checks, help: false };
}

/** Asks in one way; gives what both sides say. */
async function ask(
  order: AskOrder,
  answer: Omit<AnswerOrder, "nameServer">,
): Promise<AskReport & AnswerReport> {
  await using asker = new LineProcess("./check_asker.ts", [JSON.stringify(order)]);
  const answerOrder: AnswerOrder = { ...answer, nameServer: await asker.readLine() };
  await using answerer = new LineProcess(
    "./check_answerer.ts",
    [JSON.stringify(answerOrder)],
    asker,
  );
  await answerer.readLine();
  const asked: AskReport = JSON.parse(await asker.readLine());
  await answerer.writeLine("report");
  const answered: AnswerReport = JSON.parse(await answerer.readLine());
  return { ...asked, ...answered };
}

/** Asks in all ways; gives whether everything was answered as it should be. */
async function askInAllWays(checks: number): Promise<boolean> {
  using status = statusLine();
  console.log(
    "| listener | checkConcurrency | asked | answered/s | CPU µs | rounds | dropped | twice | " +
      "older handle | at once | peak RSS MiB |",
  );
  console.log("| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  let good = true;
  for (const { delay, concurrency, window } of SETTINGS) {
    const way = window === IN_STEP ? "in step" : "all at once";
    status.show(`${delay} ms, ${concurrency}, ${way}`);
    const report = await ask({ checks, window }, { delay, concurrency });
    status.show("");
    const { seconds, rounds, answeredTwice, older, dropped, mostAtOnce, calls, cpu, peak } = report;
    const cells = [
      `${delay} ms`,
      concurrency,
      way,
      Math.round(checks / seconds).toLocaleString("en"),
      (cpu / checks).toFixed(1),
      rounds,
      dropped,
      answeredTwice,
      older,
      mostAtOnce,
      (peak / 2 ** 20).toFixed(0),
    ];
    console.log(`| ${cells.join(" | ")} |`);
    if (answeredTwice + older > 0 || calls !== checks || mostAtOnce > concurrency) good = false;
  }
  return good;
}

if (import.meta.main) {
  try {
    const { checks, help } = readArguments(Deno.args);
    if (help) console.log(HELP);
    else Deno.exitCode = await askInAllWays(checks) ? 0 : 1;
  } catch (error) {
    const isUsage = error instanceof UsageError;
    console.error(error instanceof Error ? error.message : error);
    if (isUsage) console.error(`\n${HELP}`);
    Deno.exitCode = isUsage ? 2 : 1;
  }
}
