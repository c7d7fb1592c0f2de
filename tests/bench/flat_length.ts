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
  await workload.run(50_000, IN_FLIGHT);
  const size = Math.ceil(messages / STEPS);
  console.log(
    "| transactions | CPU/transaction µs | of the first | RSS MiB | heap MiB | outside MiB |",
  );
  console.log("| ---: | ---: | ---: | ---: | ---: | ---: |");
  let first = 0, last = 0;
  for (let step = 1; step <= STEPS; step++) {
    status.show(`${step} of ${STEPS}`);
    last = await workload.run(size, IN_FLIGHT);
    first ||= last;
    status.show("");
    const { rss, heapUsed, external } = Deno.memoryUsage();
    const [used, heap, outside] = [rss, heapUsed, external].map((of) => (of / MIB).toFixed(0));
    console.log(
      `| ${(step * size).toLocaleString("en")} | ${last.toFixed(1)} | ${
        (last / first).toFixed(2)
      } ` +
        `| ${used} | ${heap} | ${outside} |`,
    );
  }
  return last <= limit * first;
}
