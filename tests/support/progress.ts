/** Writes one line about what is going on to stderr, where it does not mix with results. */
export function progress(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Writes what was asked for to stdout. */
export function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/**
 * Says what is being waited for: once at the start and, where a person is watching, every five
 * seconds until `work` is settled.
 */
export async function withProgress<T>(what: string, work: () => Promise<T>): Promise<T> {
  progress(`${what} …`);
  const start = performance.now();
  const isWatched = Deno.stderr.isTerminal() && !Deno.env.get("CI");
  const timer = isWatched
    ? setInterval(() => {
      progress(`${what} … ${Math.round((performance.now() - start) / 1000)} s`);
    }, 5000)
    : undefined;
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Waits until `condition` holds, asking every `interval` milliseconds; false when time ran out. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  timeout: number,
  interval = 50,
): Promise<boolean> {
  const deadline = performance.now() + timeout;
  while (!await condition()) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
  return true;
}
