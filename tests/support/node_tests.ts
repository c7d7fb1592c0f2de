import { progress } from "./progress.ts";

/** Found out while the module loads, as a test that can't run must not be registered. */
const IS_AVAILABLE = await isThere("node");

/** Registers a test that needs Node.js. Where there is none, one line on stderr says so instead. */
export function nodeTest(name: string, fn: () => Promise<void>): void {
  if (IS_AVAILABLE) Deno.test(name, fn);
  else progress(`Left out, as there is no Node.js: ${name}`);
}

/** Whether a program is on the PATH. */
export async function isThere(program: string): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, { args: ["--version"] }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
