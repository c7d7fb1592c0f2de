import { RocketMQCluster } from "./cluster.ts";
import { print, progress } from "./progress.ts";
import { runChild } from "./run_child.ts";
import { printVisibleMessages } from "./visible_messages.ts";

const EXAMPLE = new URL("../../examples/transaction_producer.ts", import.meta.url);
const TOPIC = "TopicTest";

const HELP = `Runs examples/transaction_producer.ts until every transaction is settled, then shows
what a consumer sees.

Usage: deno task demo [--nameserver HOST:PORT] [OPTION OF THE EXAMPLE...]

Options:
  --nameserver HOST:PORT  A running cluster. Without it one is started for the time of the demo,
                          which takes Java and Maven.
  --help                  This text.

The example runs with the permission --allow-net alone. The exit code is that of the example.`;

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    print(HELP);
    return 0;
  }
  const { nameServer, rest } = takeNameServer(args);
  if (nameServer === "") {
    progress("Cannot run the demo: --nameserver takes HOST:PORT");
    return 2;
  }
  if (nameServer !== undefined) return await demonstrate(nameServer, rest);
  await using cluster = await RocketMQCluster.start();
  return await demonstrate(cluster.nameServers, rest);
}

/** Both `--nameserver X` and `--nameserver=X`; an empty string if the value is missing. */
function takeNameServer(
  args: readonly string[],
): { nameServer: string | undefined; rest: readonly string[] } {
  const index = args.findIndex((arg) => /^--nameserver(=|$)/.test(arg));
  if (index < 0) return { nameServer: undefined, rest: args };
  const [, inline] = args[index]!.split("=", 2);
  const length = inline === undefined ? 2 : 1;
  return {
    nameServer: inline ?? args[index + 1] ?? "",
    rest: args.toSpliced(index, length),
  };
}

async function demonstrate(nameServer: string, args: readonly string[]): Promise<number> {
  progress(`Running examples/transaction_producer.ts on ${nameServer} …`);
  const code = await runChild({
    command: Deno.execPath(),
    args: [
      "run",
      "--allow-net",
      "--no-prompt",
      EXAMPLE.href,
      "--nameserver",
      nameServer,
      "--exit-when-settled",
      ...args,
    ],
  });
  if (code === 0) await printVisibleMessages(nameServer, TOPIC);
  return code;
}
