/**
 * Compares what this module encodes, signs and decodes with what the official Java library makes of
 * the same, and ends with exit code 1 when anything differs.
 *
 *     deno task differential                                          10,000 commands, 1,000 signatures
 *     deno task differential --commands 1000000 --signatures 0 --seed 7
 *
 * @module
 */
import { untilInterrupted } from "../support/interruption.ts";
import { print, progress, tell } from "../support/progress.ts";
import { HELP, readArguments, UsageError } from "./arguments.ts";
import { findDifferences } from "./differential.ts";
import { commands } from "./subjects/commands.ts";
import { batches, messageIds, properties } from "./subjects/messages.ts";
import { signatures } from "./subjects/signatures.ts";
import type { Share } from "./subject.ts";

/** Cases of a subject that are described to Java at once: their lines are in memory. */
const AT_ONCE = 20_000;

/** Differences that are shown. */
const MOST_SHOWN = 10;

async function main(args: readonly string[], interrupted: AbortSignal): Promise<number> {
  const wanted = readArguments(args);
  if (wanted.help) {
    print(HELP);
    return 0;
  }
  const start = performance.now();
  const shares: Share[] = [
    [commands, wanted.commands],
    [signatures, wanted.signatures],
    [properties, wanted.messages],
    [batches, wanted.messages],
    [messageIds, wanted.messages],
  ];
  let found = 0;
  for (let done = 0; shares.some(([, count]) => count > done); done += AT_ONCE) {
    tell(`The official library works on the cases from seed ${wanted.seed + done} on …`);
    const round = shares.map(([subject, count]): Share => [
      subject,
      Math.max(0, Math.min(AT_ONCE, count - done)),
    ]);
    for (
      const { subject, seed, reason } of await findDifferences(
        round,
        wanted.seed + done,
        interrupted,
      )
    ) {
      if (found++ < MOST_SHOWN) print(`${subject}, seed ${seed}: ${reason}`);
    }
  }
  const number = (value: number) => value.toLocaleString("en");
  print(
    `${number(wanted.commands)} commands in JSON and ROCKETMQ, ${number(wanted.signatures)} ` +
      `signatures, ${
        number(wanted.messages)
      } each of properties, batches and message ids, from seed ` +
      `${wanted.seed}, in ${
        ((performance.now() - start) / 1_000).toFixed(1)
      } s: ${found} differ from ` +
      "the official Java library",
  );
  return found === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exit(await untilInterrupted((interrupted) => main(Deno.args, interrupted)));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    progress(`${error.message}\n\n${HELP}`);
    Deno.exit(2);
  }
}
