/** Writes one line about what is going on to stderr, where it does not mix with results. */
export function progress(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Writes what was asked for to stdout. */
export function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** Whether a person looks on at stderr: it is a terminal, and not that of a CI job. */
export function isWatched(): boolean {
  return Deno.stderr.isTerminal() && !Deno.env.get("CI");
}

/** Writes a line about what is going on, where a person looks on. */
export function tell(line: string): void {
  if (isWatched()) progress(line);
}

/**
 * Says what is being waited for, where a person looks on: at the start, and every five seconds until
 * `work` is settled.
 *
 * @param detail What is added from the second line on.
 */
export async function withProgress<T>(
  what: string,
  work: () => Promise<T>,
  detail: () => string = () => "",
): Promise<T> {
  if (!isWatched()) return await work();
  progress(`${what} …`);
  const start = performance.now();
  const timer = setInterval(() => {
    progress(`${what} … ${Math.round((performance.now() - start) / 1000)} s${detail()}`);
  }, 5000);
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
