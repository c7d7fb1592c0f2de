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
 * a SIGTERM is passed on, and Ctrl+C, which a terminal sends to both, is left to it.
 */
export async function runChild({ command, args, env = {} }: ChildOptions): Promise<number> {
  const child = new Deno.Command(command, { args: [...args], env }).spawn();
  const ignore = () => {};
  const passOn = () => child.kill("SIGTERM");
  Deno.addSignalListener("SIGINT", ignore);
  Deno.addSignalListener("SIGTERM", passOn);
  try {
    return (await child.status).code;
  } finally {
    Deno.removeSignalListener("SIGINT", ignore);
    Deno.removeSignalListener("SIGTERM", passOn);
  }
}
