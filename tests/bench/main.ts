// deno-lint-ignore-file no-console
/**
 * Measures this client against a running broker, with the command line and the line of JSON that
 * the benchmarks of other clients have.
 *
 *     deno task bench --namesrv 127.0.0.1:9876 --messages 100000 --concurrency 32
 *
 * @module
 */
import process from "node:process";
import { HELP, readArguments, UsageError, type Wanted } from "./arguments.ts";
import { measureConsuming } from "./consume.ts";
import { timeCalls } from "./latencies.ts";
import { readPeakMemory } from "./peak_memory.ts";
import { statusLine } from "./status_line.ts";
import { startWorkload } from "./workload.ts";

/** Consumes, and prints a line of JSON without latencies. */
async function consume(wanted: Wanted): Promise<boolean> {
  const { mode, messages, concurrency, queues, body, bodyKind } = wanted;
  using status = statusLine();
  status.show(`Sending, then consuming ${messages} messages …`);
  const { seconds, cpu, errors } = await measureConsuming(wanted, warmUpOf(wanted), () => {
    status.show("");
    console.error("@start");
  });
  console.error("@end");
  const { name, version } = await readPackage();
  console.log(JSON.stringify({
    ...{ client: name, version, mode, messages, concurrency, queues, body, bodyKind },
    seconds: round(seconds, 4),
    perSecond: round(messages / seconds, 1),
    cpuSeconds: round((cpu.user + cpu.system) / 1e6, 3),
    maxRssMiB: round(readPeakMemory() / 2 ** 20, 1),
    errors,
  }));
  return errors === 0;
}

/** Messages before those that are measured. */
function warmUpOf({ messages }: Wanted): number {
  return Math.max(2000, Math.floor(messages / 10));
}

async function measure(wanted: Wanted): Promise<boolean> {
  if (wanted.mode === "consume") return await consume(wanted);
  const { mode, messages, concurrency, body, bodyKind } = wanted;
  let errors = 0;
  const onError = (error: unknown) => {
    if (errors++ === 0) console.error(`first error: ${error}`);
  };
  using status = statusLine();
  await using workload = await startWorkload(wanted);
  const warmUp = warmUpOf(wanted);
  status.show(`Warming up with ${warmUp} messages, then measuring ${messages} …`);
  await timeCalls(warmUp, concurrency, workload.send, onError);
  const warmupErrors = errors, checksBefore = workload.checks();
  errors = 0;
  status.show("");
  console.error("@start");
  const cpuBefore = process.cpuUsage(), start = performance.now();
  const latencies = await timeCalls(messages, concurrency, workload.send, onError);
  const seconds = (performance.now() - start) / 1000, cpu = process.cpuUsage(cpuBefore);
  console.error("@end");
  const { name, version } = await readPackage();
  console.log(JSON.stringify({
    client: name,
    version,
    mode,
    messages,
    concurrency,
    body,
    bodyKind,
    seconds: round(seconds, 4),
    perSecond: round((messages - errors) / seconds, 1),
    p50ms: round(latencies.quantile(0.5), 3),
    p99ms: round(latencies.quantile(0.99), 3),
    p999ms: round(latencies.quantile(0.999), 3),
    cpuSeconds: round((cpu.user + cpu.system) / 1e6, 3),
    maxRssMiB: round(readPeakMemory() / 2 ** 20, 1),
    errors,
    warmupErrors,
    checks: workload.checks() - checksBefore,
  }));
  return errors + warmupErrors === 0;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

async function readPackage(): Promise<{ name: string; version: string }> {
  const config = new URL("../../deno.json", import.meta.url);
  const { version } = JSON.parse(await Deno.readTextFile(config));
  return { name: "deno", version };
}

if (import.meta.main) {
  try {
    const wanted = readArguments(Deno.args);
    if (wanted.help) console.log(HELP);
    else Deno.exitCode = await measure(wanted) ? 0 : 1;
  } catch (error) {
    const isUsage = error instanceof UsageError;
    console.error(error instanceof Error ? error.message : error);
    if (isUsage) console.error(`\n${HELP}`);
    Deno.exitCode = isUsage ? 2 : 1;
  }
}
