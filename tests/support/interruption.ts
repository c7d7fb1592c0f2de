/** Exit codes of a process that a signal ended, as shells have them. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Does the work of a program and gives its exit code. Ctrl+C and SIGTERM abort the signal that it
 * gets, so that it ends what it has started and removes what it has written; whatever it comes to
 * then, the exit code is 130 or 143. A second one ends the process at once.
 */
export async function untilInterrupted(
  work: (interrupted: AbortSignal) => Promise<number>,
): Promise<number> {
  const stop = new AbortController();
  let code: number | undefined;
  using listeners = new DisposableStack();
  for (const [name, exitCode] of Object.entries(EXIT_CODES) as [Deno.Signal, number][]) {
    const onSignal = () => {
      if (code !== undefined) Deno.exit(code);
      code = exitCode;
      stop.abort();
    };
    Deno.addSignalListener(name, onSignal);
    listeners.defer(() => Deno.removeSignalListener(name, onSignal));
  }
  try {
    const result = await work(stop.signal);
    return code ?? result;
  } catch (error) {
    if (code === undefined) throw error;
    return code;
  }
}
