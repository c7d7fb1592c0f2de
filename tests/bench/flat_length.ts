// deno-lint-ignore-file no-console
import type { FlatWanted } from "./flat_arguments.ts";
import { startFlatWorkload } from "./flat_workload.ts";
import { statusLine } from "./status_line.ts";

const STEPS = 10, IN_FLIGHT = 256, MIB = 2 ** 20;

/**
 * Prints cost and memory of each tenth of a long run; gives whether the last one costs no more than
 * `limit` times the first.
 */
export async function measureLength({ messages, limit }: FlatWanted): Promise<boolean> {
  using status = statusLine();
  await using workload = await startFlatWorkload(1, 1);
  await workload.run({ transactions: 50_000, inFlight: IN_FLIGHT });
  const order = { transactions: Math.ceil(messages / STEPS), inFlight: IN_FLIGHT };
  console.log("| transactions | CPU µs | of the first | heap MiB | outside MiB | RSS MiB | peak |");
  console.log("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  let first = 0, last = 0;
  for (let step = 1; step <= STEPS; step++) {
    status.show(`${step} of ${STEPS}`);
    const { cpu, heap, external, rss, peak } = await workload.run(order);
    last = cpu;
    first ||= cpu;
    status.show("");
    const memory = [heap, external, rss, peak].map((bytes) => (bytes / MIB).toFixed(0));
    console.log(
      `| ${(step * order.transactions).toLocaleString("en")} | ${cpu.toFixed(1)} ` +
        `| ${(cpu / first).toFixed(2)} | ${memory.join(" | ")} |`,
    );
  }
  return last <= limit * first;
}
