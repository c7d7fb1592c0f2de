/** A command to run in the foreground. */
export interface ChildOptions {
  /** Executable. */
  command: string;
  /** Its arguments. */
  args: readonly string[];
  /** Environment beyond that of this process. */
  env?: Record<string, string>;
}

/**
 * Runs a command with the terminal of this process and gives its exit code. The command ends first:
 * signals are passed on, but for Ctrl+C on a terminal, which sends it to both.
 */
export async function runChild({ command, args, env = {} }: ChildOptions): Promise<number> {
  const child = new Deno.Command(command, { args: [...args], env }).spawn();
  using listeners = new DisposableStack();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const passOn = () => {
      if (signal === "SIGTERM" || !Deno.stdin.isTerminal()) child.kill(signal);
    };
    Deno.addSignalListener(signal, passOn);
    listeners.defer(() => Deno.removeSignalListener(signal, passOn));
  }
  return (await child.status).code;
}
