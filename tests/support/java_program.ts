import { assert } from "@std/assert";
import { findInstallation } from "./rocketmq_home.ts";

/** Where the compiler of the JDK is that runs the brokers; undefined when it is only a JRE. */
export async function findCompiler(): Promise<string | undefined> {
  const installation = await findInstallation().catch(() => undefined);
  const path = `${installation?.java}c`;
  return installation && await Deno.stat(path).then(() => path, () => undefined);
}

/** Compiles a class against the official client, runs it, and gives what it printed. */
export async function runJava(source: string, args: readonly string[]): Promise<string> {
  const javac = await findCompiler();
  assert(javac, "a JDK is needed");
  const { java, classpath } = await findInstallation();
  const folder = await Deno.makeTempDir({ prefix: "official-client-" });
  try {
    await run(javac, ["-nowarn", "-cp", classpath, "-d", folder, source]);
    const name = source.replace(/^.*\/|\.java$/g, "");
    return await run(java, [
      ...["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", `-Duser.home=${folder}`],
      ...["-cp", `${folder}:${classpath}`, name, ...args],
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assert(success, `${command} failed\n${decoder.decode(stdout)}\n${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
