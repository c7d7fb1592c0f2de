import { assert, assertGreater } from "@std/assert";
import { findInstallation } from "./rocketmq_home.ts";
import { announceUnavailable, isClusterRequired } from "./shared_cluster.ts";

/** The compiler beside `java`, if there is one. */
const javac = await findCompiler();

/**
 * Whether programs that use the official client can be compiled and run here. Where they can't, one
 * line says so, and where the tests on brokers are required they are registered all the same.
 */
export function canRunJava(): boolean {
  if (javac !== undefined || isClusterRequired()) return true;
  announceUnavailable("there is no `javac` beside `java`, the official client can't be compiled");
  return false;
}

/**
 * Compiles a program of one file and runs it with the official client on its class path.
 *
 * @param source Path of the file; it is named after its class.
 * @param signal Ends the program.
 * @returns the lines that it printed, split at the bars; those of the logging library are left out.
 */
export async function runJava(
  source: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<string[][]> {
  assert(javac, "a JDK is needed");
  const { java, classpath } = await findInstallation();
  const folder = await Deno.makeTempDir({ prefix: "official-client-" });
  const mainClass = source.slice(source.lastIndexOf("/") + 1).replace(/\.java$/, "");
  try {
    await run(
      javac,
      ["-nowarn", "-encoding", "UTF-8", "-cp", classpath, "-d", folder, source],
      signal,
    );
    const output = await run(java, [
      ...["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", `-Duser.home=${folder}`],
      ...["-cp", `${folder}:${classpath}`, mainClass, ...args],
    ], signal);
    const lines = output.split("\n").filter((line) => /^(?:[a-z]+\||done$)/.test(line));
    assertGreater(lines.length, 0, output);
    return lines.map((line) => line.split("|"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Where the compiler of the JDK is that runs the brokers; undefined when it is only a JRE. */
export async function findCompiler(): Promise<string | undefined> {
  const installation = await findInstallation().catch(() => undefined);
  const path = `${installation?.java}c`;
  return installation && await Deno.stat(path).then(() => path, () => undefined);
}

async function run(
  command: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    ...(signal ? { signal } : {}),
  }).output();
  const decoder = new TextDecoder();
  assert(success, `${command} failed\n${decoder.decode(stdout)}\n${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
