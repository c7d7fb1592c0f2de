import { RocketMQCluster } from "./cluster.ts";
import { print, progress } from "./progress.ts";
import { runChild } from "./run_child.ts";
import {
  announceUnavailable,
  clusterAvailability,
  ENV,
  isClusterRequired,
} from "./shared_cluster.ts";

const HELP = `Runs a command while a real RocketMQ cluster is up.

Usage: deno run -A tests/support/with_cluster.ts [--brokers N] COMMAND [ARGUMENT...]

The command finds the name servers in ${ENV.nameServers}. If that is set already, nothing is
started. There is one broker unless --brokers says otherwise.
Where no cluster can be started, one line says why and the command runs without one; with
${ENV.required}=1 it does not run and the exit code is 1. Otherwise the exit code is
that of the command, 2 for wrong arguments.`;

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(words: readonly string[]): Promise<number> {
  const [brokers, [command, ...args]] = words[0] === "--brokers"
    ? [Number(words[1]), words.slice(2)]
    : [1, words];
  if (command === "--help" || command === "-h") {
    print(HELP);
    return 0;
  }
  if (
    command === undefined || command.startsWith("-") || !(Number.isInteger(brokers) && brokers >= 0)
  ) {
    progress(`Cannot use ${words.join(" ") || "nothing"}: a command is needed\n\n${HELP}`);
    return 2;
  }
  if (Deno.env.get(ENV.nameServers)) return await runChild({ command, args });

  const availability = await clusterAvailability();
  if (!availability.available) {
    if (isClusterRequired()) {
      progress(`Cannot run ${command}: ${ENV.required}=1 and ${availability.reason}`);
      return 1;
    }
    announceUnavailable(availability.reason);
    return await runChild({ command, args, env: { [ENV.unavailable]: availability.reason } });
  }

  await using cluster = await RocketMQCluster.start({ brokers });
  return await runChild({ command, args, env: { [ENV.nameServers]: cluster.nameServers } });
}
