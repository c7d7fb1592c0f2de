import { collectGarbage } from "../support/collect_garbage.ts";
import { settle } from "../support/fake_clock.ts";

const MIB = 2 ** 20;

/** Bytes that are held, as few as some collections in a row leave. */
export async function heldBytes(): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 4; i++) {
    await settle();
    collectGarbage();
    const { heapUsed, external } = Deno.memoryUsage();
    least = Math.min(least, heapUsed + external);
  }
  return least;
}

/**
 * Mebibytes that are held longer after `work` than before it. What it needs once, or fills up to a
 * bound, is not counted: it is done before, `times` times.
 */
export async function growthOf(work: () => Promise<void>, times = 1): Promise<number> {
  for (let i = 0; i < times; i++) await work();
  const before = await heldBytes();
  await work();
  return (await heldBytes() - before) / MIB;
}

/** Files and sockets that this process has open; undefined where nothing tells. */
export function openFiles(): number | undefined {
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch {
    return undefined;
  }
}
