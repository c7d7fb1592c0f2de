import { Program, type ProgramOptions } from "../support/program.ts";

/** Where the examples are. */
export const EXAMPLES = new URL("../../examples/", import.meta.url);

/** The first line of an example, taken apart. */
export interface Shebang {
  /** Variables that it sets. */
  env: Record<string, string>;
  /** `run` or `test`. */
  command: string;
  /** The permissions that it gives. */
  permissions: string[];
}

/** Reads the first line of an example. Throws where it does not start Deno. */
export async function readShebang(path: string): Promise<Shebang> {
  const text = await Deno.readTextFile(new URL(path, EXAMPLES));
  const [line = ""] = text.split("\n", 1);
  const match = line.match(
    /^#!\/usr\/bin\/env -S ((?:\w+=\S+ )*)deno (run|test)((?: --allow-\S+)*)$/,
  );
  if (!match) throw new Error(`Cannot see how ${path} is run: its first line is ${line}`);
  const [, env = "", command = "", permissions = ""] = match;
  return {
    env: Object.fromEntries(words(env).map((pair) => pair.split("=", 2) as [string, string])),
    command,
    permissions: words(permissions),
  };
}

/** Runs an example as its first line says: with exactly its permissions and variables. */
export async function startExample(
  path: string,
  args: readonly string[] = [],
  { env = {}, more = [], ...options }: Omit<Partial<ProgramOptions>, "permissions" | "args"> & {
    /** Permissions beyond those of its first line. */
    more?: readonly string[];
  } = {},
): Promise<Program> {
  const shebang = await readShebang(path);
  return new Program(new URL(path, EXAMPLES), {
    ...options,
    args,
    permissions: [...shebang.permissions, ...more],
    env: { ...shebang.env, ...env },
  });
}

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}
