/** Variable of the environment that marks a program and all that it starts. */
const MARK = "ROCKETMQ_TESTS_STARTED_BY";

/** Finds the processes that a program has started, and those that they have started. */
export class StartedProcesses {
  /** What the program needs in its environment. */
  readonly env: Readonly<Record<string, string>> = { [MARK]: crypto.randomUUID() };

  /** Their numbers and command lines; none where there is no /proc to look into. */
  async list(): Promise<string[]> {
    const found: string[] = [];
    for await (const { name } of readFolder("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const environment = await readText(`/proc/${name}/environ`);
      if (!environment.includes(`${MARK}=${this.env[MARK]}`)) continue;
      found.push(`${name} ${(await readText(`/proc/${name}/cmdline`)).replaceAll("\0", " ")}`);
    }
    return found;
  }
}

/** A text; an empty one when the process is gone in the meantime. */
async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return "";
  }
}

async function* readFolder(path: string): AsyncGenerator<Deno.DirEntry> {
  try {
    yield* Deno.readDir(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
