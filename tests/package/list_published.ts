import { assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

/** The paths that `deno publish` would send. */
export async function listPublished(): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder(), output = decoder.decode(stdout) + decoder.decode(stderr);
  if (!success) throw new Error(output);
  assertEquals(/slow types?.*(?:error|warning)/i.test(output), false, output);
  return Array.from(
    output.matchAll(/^\s+(file:\S+) \([\d.]+\w+\)$/gm),
    ([, url]) => url!.slice(ROOT.href.length),
  ).sort();
}
