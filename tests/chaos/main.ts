/**
 * Sends transactions to a real cluster while it goes wrong, and checks what has become of them.
 *
 *     deno task chaos                                      all kinds of faults, seed 1
 *     deno task chaos --faults kill --seed 10              a broker is killed three times
 *     deno task chaos --faults none --local-ms 8000 --messages 100
 *
 * @module
 */
import { print, progress, tell, withProgress } from "../support/progress.ts";
import { HELP, readArguments, UsageError, type Wanted } from "./arguments.ts";
import { runChaos } from "./chaos.ts";
import { expectationsOf } from "./judge.ts";
import { createReport, formatReport, type Report } from "./report.ts";
import type { PlannedFault } from "./schedule.ts";
import { Testbed } from "./testbed.ts";

async function run(wanted: Wanted): Promise<Report> {
  const { cluster: kind, brokers, proxies, interval, opBatch, faults } = wanted;
  const hasFaultProxies = faults.network !== undefined;
  await using testbed = await Testbed.start({
    ...{ kind, brokers, proxies, interval, opBatch, hasFaultProxies },
    mayLag: faults.lag !== undefined,
  });
  const seconds = Math.ceil(wanted.messages / wanted.rate);
  const what =
    `Sending ${wanted.messages} transactions for ${seconds} s, then waiting for the rest`;
  const evidence = await withProgress(what, () => runChaos(testbed, wanted, tellFault));
  if (wanted.evidence) await Deno.writeTextFile(wanted.evidence, JSON.stringify(evidence));
  return createReport(evidence, expectationsOf(wanted));
}

function tellFault({ kind, at, duration, trouble }: PlannedFault, target: string): void {
  const name = trouble ? `${kind} ${trouble.name}` : kind;
  tell(`  ${(at / 1000).toFixed(1)} s: ${name}, ${target}, ${(duration / 1000).toFixed(1)} s`);
}

async function main(args: readonly string[]): Promise<number> {
  const wanted = readArguments(args);
  if (wanted.help) {
    print(HELP);
    return 0;
  }
  const report = await run(wanted);
  print(wanted.json ? JSON.stringify({ seed: wanted.seed, ...report }) : formatReport(report));
  return report.violations.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    progress(`${error.message}\n\n${HELP}`);
    Deno.exit(2);
  }
}
