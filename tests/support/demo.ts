import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { tellStories } from "./demo_account.ts";
import { untilInterrupted } from "./interruption.ts";
import { print, progress, tell } from "./progress.ts";
import { runChild } from "./run_child.ts";
import { describeVisibleMessages } from "./visible_messages.ts";

const EXAMPLE = new URL("../../examples/transaction_producer.ts", import.meta.url);
const TOPIC = "TopicTest";

const HELP =
  `Runs examples/transaction_producer.ts until every transaction is settled, then tells the
story of each transaction and shows what a consumer sees.

Usage: deno task demo [--nameserver HOST:PORT] [OPTION OF THE EXAMPLE...]

Options:
  --nameserver HOST:PORT  A running cluster. Without it the example talks to the embedded broker,
                          which needs nothing installed.
  --help                  This text.

The example runs with the permission --allow-net alone. The exit code is that of the example: 2 for
wrong arguments, 130 after Ctrl+C.`;

if (import.meta.main) {
  Deno.exit(await untilInterrupted((interrupted) => main(Deno.args, interrupted)));
}

async function main(args: readonly string[], interrupted: AbortSignal): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    print(HELP);
    return 0;
  }
  const { nameServer, rest } = takeNameServer(args);
  if (nameServer === "") {
    progress("Cannot run the demo: --nameserver takes HOST:PORT");
    return 2;
  }
  if (nameServer === undefined) return await demonstrateEmbedded(rest, interrupted);
  const code = await runExample(nameServer, rest);
  if (code === 0 && !interrupted.aborted) {
    print(`\n${(await describeVisibleMessages(nameServer, TOPIC)).join("\n")}`);
  }
  return code;
}

/** On an embedded broker that asks after half a second, and gives up after three questions. */
async function demonstrateEmbedded(
  args: readonly string[],
  interrupted: AbortSignal,
): Promise<number> {
  await using broker = await EmbeddedBroker.start({
    topics: [TOPIC],
    transactionTimeout: 500,
    transactionCheckInterval: 500,
    transactionCheckMax: 3,
  });
  tell(`An embedded name server and broker listen on ${broker.nameServer}`);
  const stories = tellStories(broker.events());
  const code = await runExample(broker.nameServer, args);
  if (code !== 0 || interrupted.aborted) return code;
  await broker.settled();
  if (interrupted.aborted) return code;
  const visible = await describeVisibleMessages(broker.nameServer, TOPIC);
  await broker[Symbol.asyncDispose]();
  print(`\nWhat the broker saw of each transaction:\n  ${(await stories).join("\n  ")}`);
  print(`\n${visible.join("\n")}`);
  return code;
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

async function runExample(nameServer: string, args: readonly string[]): Promise<number> {
  tell(`Running examples/transaction_producer.ts on ${nameServer} …`);
  return await runChild({
    command: Deno.execPath(),
    args: [
      "run",
      "--quiet",
      "--allow-net",
      "--no-prompt",
      EXAMPLE.href,
      "--nameserver",
      nameServer,
      "--exit-when-settled",
      ...args,
    ],
  });
}
