/**
 * Runs the steps that every server has to pass on releases of RocketMQ, or on the servers of RocketMQ
 * Rust.
 *
 *     deno task servers                  lists what can be named
 *     deno task servers 5.1.4 4.9.3
 *     deno task servers rust
 *
 * @module
 */
import { print, progress } from "../support/progress.ts";
import { runChild } from "../support/run_child.ts";
import { runRustServers } from "./rust_servers.ts";

const HELP =
  `Runs what an application does on other servers: sends, look-ups, transactions of all kinds.

Usage: deno task servers SERVER...

  VERSION   a release of Apache RocketMQ, which Maven fetches: 4.9.3, 4.9.7, 5.1.4, 5.5.0 are known to pass
  rust      the name server and broker of RocketMQ Rust 1.0.0: built once with cargo, which takes long,
            and kept in ROCKETMQ_RUST_HOME, by default below the temporary folder

Exit code 0: all went well. 1: something failed. 2: wrong arguments.`;

async function main(args: readonly string[]): Promise<number> {
  if (args.length === 0 || args.includes("--help")) {
    print(HELP);
    return 0;
  }
  const releases = args.filter((arg) => arg !== "rust");
  const wrong = releases.find((release) => !/^\d+\.\d+\.\d+$/.test(release));
  if (wrong !== undefined) {
    progress(`Cannot use ${wrong}: it is no release like 5.1.4\n\n${HELP}`);
    return 2;
  }
  let code = 0;
  if (releases.length > 0) {
    const test = new URL("../integration/server_versions_test.ts", import.meta.url).pathname;
    const names = releases.map((release) => release.replaceAll(".", "\\.")).join("|");
    code = await runChild({
      command: Deno.execPath(),
      args: ["test", "-A", "--filter", `/Server versions - (?:${names})$/`, test],
      env: { ROCKETMQ_TEST_RELEASES: releases.join(","), ROCKETMQ_TESTS_REQUIRE_BROKER: "1" },
    });
  }
  if (args.includes("rust") && !await runRustServers()) code = 1;
  return code;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
