// deno-lint-ignore-file no-console
import type { Row } from "./flat_rows.ts";

const MIB = 2 ** 20;

/** Prints what was measured; gives whether no row costs more than `limit` times the first. */
export function printTable(first: string, rows: readonly Row[], limit: number): boolean {
  const base = rows[0]!.cpu;
  console.log(
    `| ${first} | CPU µs | of the first | start() CPU ms | heap MiB | RSS MiB | peak RSS MiB |`,
  );
  console.log("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  for (const { label, cpu, startCpu, heap, rss, peak } of rows) {
    const memory = [heap, rss, peak].map((bytes) => (bytes / MIB).toFixed(0)).join(" | ");
    const ratio = (cpu / base).toFixed(2);
    console.log(
      `| ${label.toLocaleString("en")} | ${cpu.toFixed(1)} | ${ratio} | ${
        startCpu.toFixed(0)
      } | ${memory} |`,
    );
  }
  const over = rows.filter(({ cpu }) => cpu > limit * base);
  for (const { label, cpu } of over) {
    console.error(`over the limit: ${label} costs ${(cpu / base).toFixed(2)} of it`);
  }
  return over.length === 0;
}
