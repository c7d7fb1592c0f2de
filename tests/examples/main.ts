/**
 * Crashes the order service at each of the worst moments, again and again, and has it settled.
 *
 *     deno task orders                                        ten times each, on the embedded broker
 *     deno task orders --times 3 --nameserver HOST:PORT       on a cluster
 *
 * @module
 */
import { AssertionError } from "@std/assert";
import { parseArgs } from "node:util";
import { print, progress } from "../support/progress.ts";
import { crashAndSettle, CRASHES } from "./order_service_steps.ts";
import { TemporaryFolder } from "./temporary_folder.ts";

const HELP =
  `Crashes examples/order_service at each of its crash points, each time in a folder of its own, lets
a second run settle what was left open, and compares orders with visible messages.

Usage: deno task orders [--times N] [--nameserver HOST:PORT] [--idle-timeout SECONDS]

  --times N               How often for each crash point (default 10).
  --nameserver HOST:PORT  A running cluster. Without it, the embedded broker.
  --idle-timeout SECONDS  On a cluster, how long no check-back may come before all is settled
                          (default 90).
  --help                  This text.

Exit codes: 0 orders and messages agreed every time, 1 they did not, 2 wrong arguments, 130
interrupted by Ctrl+C.`;

const OPTIONS = {
  times: { type: "string", default: "10" },
  nameserver: { type: "string" },
  "idle-timeout": { type: "string", default: "90" },
  help: { type: "boolean", short: "h" },
} as const;

type CrashPoint = keyof typeof CRASHES;

/** How often a crash point was tried, and how often all agreed. */
interface Score {
  tried: number;
  agreed: number;
}

/** One crash and its settlement; what went wrong is shown. */
async function attempt(point: CrashPoint, args: readonly string[], score: Score): Promise<void> {
  await using folder = await TemporaryFolder.make();
  score.tried++;
  try {
    await crashAndSettle(folder.path, point, args);
    score.agreed++;
    progress(`${point}: ${score.agreed} of ${score.tried} agree`);
  } catch (error) {
    print(`${point}: ${error instanceof AssertionError ? error.message : Deno.inspect(error)}`);
  }
}

/** All crash points at once, each so many times. */
async function run(times: number, clusterArgs: readonly string[]): Promise<boolean> {
  const scores = await Promise.all((Object.keys(CRASHES) as CrashPoint[]).map(async (point) => {
    const score: Score = { tried: 0, agreed: 0 };
    for (let time = 0; time < times; time++) {
      const topic = `orders-${crypto.randomUUID().slice(0, 13)}`;
      const args = clusterArgs.length > 0 ? [...clusterArgs, "--topic", topic] : [];
      await attempt(point, args, score);
    }
    print(
      `--crash-after ${point}: orders and messages agreed ${score.agreed} of ${score.tried} times`,
    );
    return score;
  }));
  return scores.every(({ tried, agreed }) => tried === agreed);
}

async function main(): Promise<number> {
  let settings;
  try {
    settings = parseArgs({ options: OPTIONS }).values;
  } catch (error) {
    progress(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  const { help, nameserver, "idle-timeout": idleTimeout } = settings,
    times = Number(settings.times);
  if (help) {
    print(HELP);
    return 0;
  }
  if (!Number.isInteger(times) || times < 1) {
    progress(`The option --times needs a whole number from 1 on\n\n${HELP}`);
    return 2;
  }
  Deno.addSignalListener("SIGINT", () => Deno.exit(130)); // the runs get it too, and end
  const clusterArgs = nameserver ? ["--nameserver", nameserver, "--idle-timeout", idleTimeout] : [];
  return await run(times, clusterArgs) ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
