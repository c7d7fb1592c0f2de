import type { Verdict } from "./verdict.ts";

/** Seeds that a thread takes at once. */
const PORTION = 20;

/** How seeds are run. */
export interface FarmOptions {
  /** The first seed. */
  from: number;
  /** How many. */
  count: number;
  /** How many threads run them. @default as many as the machine has processors */
  threads?: number;
  /** Is told what was found; true ends it early. */
  onVerdicts?: (verdicts: readonly Verdict[]) => boolean | void;
}

/** Runs many seeds in several threads. Gives the verdicts in the order of the seeds. */
export async function runSeeds(options: FarmOptions): Promise<Verdict[]> {
  const { from, count, onVerdicts } = options;
  const threads = Math.min(
    options.threads ?? navigator.hardwareConcurrency,
    Math.ceil(count / PORTION),
  );
  const found: Verdict[] = [];
  const end = from + count;
  let next = from, stopped = false;
  const work = async () => {
    const worker = new Worker(new URL("worker.ts", import.meta.url), { type: "module" });
    try {
      while (next < end && !stopped) {
        const portion = { from: next, count: Math.min(PORTION, end - next) };
        next += portion.count;
        const verdicts = await ask(worker, portion);
        found.push(...verdicts);
        if (onVerdicts?.(verdicts)) stopped = true;
      }
    } finally {
      worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
  return found.sort((a, b) => a.seed - b.seed);
}

function ask(worker: Worker, portion: { from: number; count: number }): Promise<Verdict[]> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`A thread failed at seed ${portion.from}: ${event.message}`));
    };
    worker.postMessage(portion);
  });
}
