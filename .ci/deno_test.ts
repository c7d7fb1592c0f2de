import { setPriority } from "node:os";

/** What `deno test` counted. */
export interface Counts {
  /** Tests that passed. */
  passed: number;
  /** Tests that failed. */
  failed: number;
  /** Tests that were left out. */
  ignored: number;
}

/** How to run. */
export interface DenoTestOptions {
  /** Variables beside the ones of this process. */
  env?: Record<string, string>;
  /** Whether its output waits for `show()`, so that two runs don't mix. */
  isHeld?: boolean;
  /** Ends it, and what it has started. */
  signal?: AbortSignal;
  /** Whether it works in the time that others leave. */
  isModest?: boolean;
}

/** A run that has ended. */
export interface DenoTestRun {
  /** What it counted. */
  counts: Counts;
  /** What it wrote, both to standard output and to standard error, in chunks. */
  output: Uint8Array[];
  /** Writes what was held. */
  show(): Promise<void>;
}

/** Counts of a run without a test. */
export const NOTHING: Counts = { passed: 0, failed: 0, ignored: 0 };

/**
 * How long the output may stay open after the end of the run, in milliseconds: a process that a
 * test left behind holds it open for ever.
 */
const OUTPUT_GRACE = 2000;

/** How much more modest than usual, as `nice` counts. */
const MODEST = 5;

const ROOT = new URL("../", import.meta.url);

/** The counts in the summary that `deno test` ends with, or nothing if it did not get that far. */
export function readSummary(output: string): Counts | undefined {
  // deno-lint-ignore no-control-regex
  const plain = output.replace(/\x1b\[[0-9;]*m/g, "");
  const pattern =
    /^(?:ok|FAILED) \| (\d+) passed(?: \(.*?\))? \| (\d+) failed(?: \(.*?\))?(?: \| (\d+) ignored)?/gm;
  const last = [...plain.matchAll(pattern)].at(-1);
  if (!last) return undefined;
  return { passed: Number(last[1]), failed: Number(last[2]), ignored: Number(last[3] ?? 0) };
}

/** Runs `deno` with these arguments; a run that fails without a failed test counts as one. */
export async function runDenoTest(
  args: string[],
  { env = {}, isHeld = false, isModest = false, signal }: DenoTestOptions = {},
): Promise<DenoTestRun> {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    env,
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
    ...(signal ? { signal } : {}),
  }).spawn();
  if (isModest) setPriority(child.pid, MODEST);
  const output: Uint8Array[] = [], decoder = new TextDecoder();
  let written = "";
  const reading = Promise.all([
    read(child.stdout, Deno.stdout, (chunk) => written += decoder.decode(chunk, { stream: true })),
    read(child.stderr, Deno.stderr),
  ]);
  const { success } = await child.status;
  signal?.throwIfAborted();
  await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, OUTPUT_GRACE))]);
  const counts = readSummary(written) ?? { ...NOTHING };
  if (!success && counts.failed === 0) counts.failed = 1;
  return { counts, output, show: async () => await write(Deno.stdout, isHeld ? output : []) };

  async function read(
    from: ReadableStream<Uint8Array>,
    to: { write(bytes: Uint8Array): Promise<number> },
    look: (chunk: Uint8Array) => void = () => {},
  ): Promise<void> {
    for await (const chunk of from) {
      look(chunk);
      output.push(chunk);
      if (!isHeld) await write(to, [chunk]);
    }
  }
}

async function write(
  to: { write(bytes: Uint8Array): Promise<number> },
  chunks: Uint8Array[],
): Promise<void> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) at += await to.write(chunk.subarray(at));
  }
}

/** The sums. */
export function addCounts(...all: Counts[]): Counts {
  const sum = (name: keyof Counts) => all.reduce((total, counts) => total + counts[name], 0);
  return { passed: sum("passed"), failed: sum("failed"), ignored: sum("ignored") };
}
