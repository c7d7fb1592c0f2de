import type { FlatWanted } from "./flat_arguments.ts";
import { type FlatReport, startFlatWorkload } from "./flat_workload.ts";
import { statusLine } from "./status_line.ts";

/** What is measured in a row. */
export interface Setting {
  /** What it is called. */
  label: number;
  /** Transactions under way at once. */
  inFlight: number;
  /** Brokers. */
  brokers: number;
  /** Topics, each of them on all brokers. */
  topics: number;
}

/** What was measured. */
export interface Row extends FlatReport {
  /** What it is called. */
  label: number;
  /** CPU time of the start, in milliseconds. */
  startCpu: number;
}

/** Measures the rows, each in a process of its own. The first round of each only warms up. */
export async function measureRows(
  settings: readonly Setting[],
  { rounds, transactions }: FlatWanted,
): Promise<Row[]> {
  using status = statusLine();
  const rows: Row[] = [];
  for (const { label, inFlight, brokers, topics } of settings) {
    status.show(`${label}`);
    await using workload = await startFlatWorkload(brokers, topics);
    const order = { transactions: Math.max(transactions, 4 * inFlight), inFlight };
    await workload.run(order);
    const cpus: number[] = [];
    let report = workload.start;
    for (let round = 1; round <= rounds; round++) {
      status.show(`${label}, round ${round} of ${rounds}`);
      report = await workload.run(order);
      cpus.push(report.cpu);
    }
    rows.push({ ...report, label, startCpu: workload.start.cpu / 1000, cpu: median(cpus) });
  }
  return rows;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
