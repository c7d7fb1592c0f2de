// deno-lint-ignore-file no-console
import type { FlatWanted } from "./flat_arguments.ts";
import { startFlatWorkload } from "./flat_workload.ts";
import { statusLine } from "./status_line.ts";

/** Each second so many transactions are sent, and one check-back comes. */
const PER_SECOND = 1_000, IN_FLIGHT = 32;

const SECOND = 1_000, MINUTE = 60 * SECOND;

/**
 * Prints the cost of a transaction in the first and in the last minute of a process that lives long,
 * with heartbeats and check-backs in between; gives whether the last one costs no more than `limit`
 * times the first.
 */
export async function measureHour({ minutes, limit }: FlatWanted): Promise<boolean> {
  using status = statusLine();
  await using workload = await startFlatWorkload(1, 1, { checkInterval: SECOND });
  const order = { transactions: PER_SECOND, inFlight: IN_FLIGHT };
  for (let i = 0; i < 20; i++) await workload.run(order);
  const minuteLength = Math.min(MINUTE, minutes * MINUTE / 2), start = performance.now();
  const costs: number[] = [];
  while (performance.now() - start < minutes * MINUTE) {
    status.show(`minute ${costs.length + 1}`);
    const end = performance.now() + minuteLength;
    let cpu = 0, runs = 0;
    do {
      const next = performance.now() + Math.min(SECOND, minuteLength);
      cpu += (await workload.run(order)).cpu;
      runs++;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
    } while (performance.now() < end);
    costs.push(cpu / runs);
  }
  status.show("");
  const first = costs[0]!, last = costs.at(-1)!;
  console.log("| minute | CPU µs | of the first |");
  console.log("| ---: | ---: | ---: |");
  console.log(`| 1 | ${first.toFixed(1)} | 1.00 |`);
  console.log(`| ${costs.length} | ${last.toFixed(1)} | ${(last / first).toFixed(2)} |`);
  return last <= limit * first;
}
