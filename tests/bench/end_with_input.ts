/** Variable of the environment that a {@linkcode LineProcess} gives to its program. */
export const ENDS_WITH_INPUT = "BENCH_ENDS_WITH_INPUT";

/** Ends this process with the one that started it, however that ends: its stdin ends then. */
export async function endWithInput(): Promise<void> {
  if (!Deno.env.get(ENDS_WITH_INPUT)) return;
  for await (const _ of Deno.stdin.readable) { /* nothing is read */ }
  Deno.exit(0);
}
