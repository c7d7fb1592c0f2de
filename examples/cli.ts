// deno-lint-ignore-file no-console
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { InvalidArgumentError, RocketMQError } from "@rocketmq-deno/client";

/** Options of every example that talks to a cluster. */
export const CLUSTER_OPTIONS = {
  nameserver: { type: "string", default: "127.0.0.1:9876" },
  topic: { type: "string", default: "TopicTest" },
} as const;

/** A command line that makes no sense. */
export class UsageError extends Error {}

/** What the options are set to: those without a default may be left out. */
export type Values<T extends ParseArgsOptionsConfig> = {
  [Name in keyof T]:
    | (T[Name] extends { type: "boolean" } ? boolean : string)
    | (T[Name] extends { default: unknown } ? never : undefined);
};

/**
 * Runs an example with what its command line says, and ends the process. `signal` is aborted by
 * Ctrl+C and SIGTERM.
 *
 * @param run Does the work. It may give an exit code; without one that is 0 when it resolves, 1 when
 * it rejects, 2 for wrong arguments and 130 after Ctrl+C.
 */
export async function runExample<const T extends ParseArgsOptionsConfig>(
  usage: string,
  options: T,
  run: (values: Values<T>, signal: AbortSignal) => Promise<number | void>,
): Promise<never> {
  const interrupt = new AbortController();
  Deno.addSignalListener("SIGINT", () => interrupt.abort());
  // Windows has no SIGTERM.
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", () => interrupt.abort());
  if (Deno.args.includes("--help") || Deno.args.includes("-h")) {
    console.log(usage);
    Deno.exit(0);
  }
  try {
    Deno.exit(await run(readArguments(options), interrupt.signal) ?? 0);
  } catch (error) {
    if (interrupt.signal.aborted) Deno.exit(130);
    if (error instanceof UsageError) {
      console.error(`${error.message}\n\n${usage}`);
      Deno.exit(2);
    }
    console.error(error instanceof RocketMQError ? error.message : error);
    Deno.exit(error instanceof InvalidArgumentError ? 2 : 1);
  }
}

/** @throws {UsageError} */
function readArguments<T extends ParseArgsOptionsConfig>(options: T): Values<T> {
  try {
    return parseArgs({ options }).values as never;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
