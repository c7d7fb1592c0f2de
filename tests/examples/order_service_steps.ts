import { assertEquals, assertMatch } from "@std/assert";
import type { Program } from "../support/program.ts";
import { startExample } from "./example_program.ts";

/** Where an order service is crashed, and what its database has of that order then. */
export const CRASHES = {
  half: { request: "none", decision: "ROLLBACK" },
  local: { request: "placed", decision: "COMMIT" },
  verdict: { request: "placed", decision: "COMMIT" },
} as const;

/** The request at which a run of six crashes. */
const CRASHED = "order-4";

/**
 * Crashes an order service in a folder, lets a second run settle everything, and looks at its table.
 *
 * @param args Where the messages go.
 */
export async function crashAndSettle(
  folder: string,
  point: keyof typeof CRASHES,
  args: readonly string[] = [],
): Promise<void> {
  await using crashed = await startOrderService(folder, [...args, "--crash-after", point]);
  assertEquals(await crashed.exit(), 137, crashed.output);
  assertEquals(crashed.lines.map((line) => line.split(":")[0]), ["order-1", "order-2", "order-3"]);

  await using second = await startOrderService(folder, args);
  assertEquals(await second.exit(), 0, second.output);
  assertEquals(second.stderr, "");
  assertMatch(second.stdout, /^The last run crashed: settling/);
  const table = readTable(second);
  assertEquals(table.length, 10, second.output);
  for (const { request, order, shipments, agree } of table) {
    assertEquals(
      [request, agree, shipments],
      [request, "yes", order === "placed" ? "1" : "0"],
      second.output,
    );
  }
  const row = table.find(({ request }) => request === CRASHED);
  const expected = CRASHES[point];
  assertEquals([row?.order, row?.decision], [expected.request, expected.decision], second.output);
  const placed = table.filter(({ order }) => order === "placed").length;
  assertEquals(second.lines.at(-1), `${placed} orders, ${placed} shipments: they agree`);
}

/** Starts the order service with its data in a folder, which needs to be its own. */
export function startOrderService(folder: string, args: readonly string[] = []): Promise<Program> {
  // The driver of PostgreSQL reads variables of the environment.
  const more = args.includes("--database") ? ["--allow-env"] : [];
  return startExample("order_service/main.ts", args, { cwd: folder, more });
}

/** The lines of the table. */
export function readTable(program: Program): Record<string, string>[] {
  const start = program.lines.findIndex((line) => line.startsWith("request "));
  const end = program.lines.indexOf("", start);
  const [headings = [], ...rows] = program.lines.slice(start, end).map((line) => line.split(/ +/));
  return rows.map((cells) =>
    Object.fromEntries(headings.map((name, at) => [name, cells[at] ?? ""]))
  );
}
