import { statusLine } from "./status_line.ts";
import type { FlatWanted } from "./flat_arguments.ts";
import { type FlatWorkload, startFlatWorkload } from "./flat_workload.ts";

/** What is measured in a row. */
export interface Setting {
  /** What it is called. */
  label: readonly number[];
  /** Transactions under way at once. */
  inFlight: number;
  /** Brokers. */
  brokers: number;
  /** Topics, each of them on all brokers. */
  topics: number;
}

/** What was measured. */
export interface Row {
  /** What it is called. */
  label: readonly number[];
  /** CPU time of the start, in milliseconds. */
  startCpu: number;
  /** CPU time of a transaction, in microseconds. */
  cpu: number;
  /** Memory of this process at the end of the row, in bytes. */
  rss: number;
  /** What of it lives on the heap. */
  heap: number;
}

/**
 * Measures all rows, round by round: what the machine or the compiler do meanwhile then meets all of
 * them. The first round warms up and does not count.
 */
export async function measureRows(
  settings: readonly Setting[],
  { rounds, transactions }: FlatWanted,
): Promise<Row[]> {
  using status = statusLine();
  await using workloads = new AsyncDisposableStack();
  const started = new Map<string, FlatWorkload>();
  const cpus = settings.map((): number[] => []);
  const rows: Row[] = [];
  for (let round = 0; round <= rounds; round++) {
    for (const [i, { label, inFlight, brokers, topics }] of settings.entries()) {
      status.show(`round ${round} of ${rounds}, ${label.join(" × ")}`);
      const key = `${brokers} ${topics}`;
      let workload = started.get(key);
      if (!workload) {
        started.set(key, workload = workloads.use(await startFlatWorkload(brokers, topics)));
      }
      const cpu = await workload.run(Math.max(transactions, 2 * inFlight), inFlight);
      if (round > 0) cpus[i]!.push(cpu);
      const { rss, heapUsed: heap } = Deno.memoryUsage();
      rows[i] = { label, startCpu: workload.startCpu, cpu: median(cpus[i]!), rss, heap };
    }
  }
  return rows;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
