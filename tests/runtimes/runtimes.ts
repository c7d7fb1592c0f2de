/** A runtime that this package is run in, beside the Deno of the commands. */
export interface Runtime {
  /** As it is asked for: `node`, `bun`, `deno@2.2.0`. */
  readonly name: string;
  /** What runs a JavaScript file, with its arguments after it. */
  readonly command: readonly [string, ...string[]];
}

/** The lowest versions that are promised, as packages of npm. */
export const LOWEST = { node: "node@22", bun: "bun@1", deno: "deno@2.2.0" } as const;

/** Where they are kept, so that each is loaded once. */
function cacheFolder(): string {
  const { XDG_CACHE_HOME, HOME, TMPDIR } = Deno.env.toObject();
  return `${XDG_CACHE_HOME ?? (HOME ? `${HOME}/.cache` : TMPDIR ?? "/tmp")}/rocketmq-deno/runtimes`;
}

/** Loads a runtime from npm, which the commands of this package need anyway. */
export async function prepareRuntime(name: keyof typeof LOWEST): Promise<Runtime> {
  const folder = `${cacheFolder()}/${LOWEST[name]}`;
  const find = async () => {
    for (const program of await programsOf(name, `${folder}/node_modules`)) {
      if (await runs(program)) return program;
    }
  };
  let program = await find();
  if (!program) {
    await Deno.mkdir(folder, { recursive: true });
    const { stderr } = await new Deno.Command("npm", {
      args: ["install", "--no-save", "--no-package-lock", "--prefix", folder, LOWEST[name]],
      stdin: "null",
    }).output();
    program = await find();
    if (!program) {
      throw new Error(`Cannot load ${LOWEST[name]}: ${new TextDecoder().decode(stderr)}`);
    }
  }
  return { name: name === "deno" ? LOWEST.deno : name, command: [program] };
}

/** Where a package may have put its program. That of Deno is a script in front of the real one. */
async function programsOf(name: keyof typeof LOWEST, modules: string): Promise<string[]> {
  if (name !== "deno") return [`${modules}/.bin/${name}`];
  const platforms = await Array.fromAsync(Deno.readDir(`${modules}/@deno`)).catch(() => []);
  return platforms.map((it) => `${modules}/@deno/${it.name}/deno`);
}

/** Reports whether a program is there and runs. */
async function runs(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
