/**
 * Serves the transaction inspector, a page on this machine.
 *
 *     deno task inspect                                            an embedded broker and a small load
 *     deno task inspect --nameserver HOST:PORT --topic orders      a cluster, which is only read
 *     deno task inspect --screenshot .github/inspector.png         a picture for the README
 *
 * @module
 */
import { parseArgs } from "node:util";
import { EmbeddedBroker, serveInspector } from "../../src/testing/mod.ts";
import { print, progress } from "../support/progress.ts";
import { inspectCluster } from "./cluster.ts";
import { DEMO_BROKER, DemoLoad } from "./demo_load.ts";
import { takeScreenshot } from "./screenshot.ts";

const HELP = `Serves a page on this machine that shows transactions as they happen.

Usage: deno task inspect [--port N] [--quiet-broker] [--broker-port N]
       deno task inspect --nameserver HOST:PORT --topic NAME [--group NAME] [--port N]
       deno task inspect --screenshot FILE [--dark]

  --port N                Port of the page (default: a free one).
  --quiet-broker          Leave the embedded broker to you: no orders are sent to it.
  --broker-port N         Port of its name server (default: a free one).
  --nameserver HOST:PORT  A running cluster, which is only read: the newest transactions of the topic,
                          and those whose ids are entered on the page. Without it, an embedded broker
                          and some orders.
  --topic NAME            The topic of the transactions in the cluster.
  --group NAME            Group under which the cluster is read (default transaction_inspector). Not
                          that of a service: its members are asked check-backs.
  --screenshot FILE       Make a picture with a headless Chromium and end.
  --dark                  In dark colours.
  --help                  This text.

Ctrl+C ends it. Exit codes: 0 ended by Ctrl+C or the picture is made, 1 it can't be done, 2 wrong
arguments, 130 Ctrl+C came before the picture was made.`;

const OPTIONS = {
  port: { type: "string", default: "0" },
  "quiet-broker": { type: "boolean" },
  "broker-port": { type: "string", default: "0" },
  nameserver: { type: "string" },
  topic: { type: "string" },
  group: { type: "string", default: "transaction_inspector" },
  screenshot: { type: "string" },
  dark: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** Milliseconds between two orders. */
const INTERVAL = 1_200;

function readArguments(args: string[]): ReturnType<typeof parse> {
  const settings = parse(args);
  for (const name of ["port", "broker-port"] as const) {
    const port = settings[name];
    if (!/^\d+$/.test(port) || Number(port) > 65_535) {
      throw new TypeError(`The option --${name} needs a number from 0 to 65535, not ${port}`);
    }
  }
  if ((settings.nameserver === undefined) !== (settings.topic === undefined)) {
    throw new TypeError("The options --nameserver and --topic belong together");
  }
  return settings;
}

function parse(args: string[]) {
  return parseArgs({ args, options: OPTIONS }).values;
}

/** What is wanted of the embedded broker. */
interface EmbeddedOptions {
  /** Port of the page. */
  port: number;
  /** Port of the name server. */
  brokerPort: number;
  /** Whether no orders are sent to it. */
  isQuiet: boolean;
}

async function inspectEmbedded(
  { port, brokerPort, isQuiet }: EmbeddedOptions,
  signal: AbortSignal,
): Promise<void> {
  await using broker = await EmbeddedBroker.start({ ...DEMO_BROKER, port: brokerPort });
  await using load = new DemoLoad(broker);
  const source = isQuiet ? { broker } : { broker, producer: load.producer };
  await using inspector = await serveInspector(source, { port, signal });
  print(`${inspector.url} shows the transactions of the broker at ${broker.nameServer}`);
  progress("Ctrl+C ends it");
  if (!isQuiet) {
    await load.producer.start();
    await load.run(INTERVAL, signal);
  }
  await inspector.finished;
}

async function main(args: string[]): Promise<number> {
  let settings;
  try {
    settings = readArguments(args);
  } catch (error) {
    progress(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (settings.help) {
    print(HELP);
    return 0;
  }
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  Deno.addSignalListener("SIGINT", interrupt);
  try {
    const { screenshot, nameserver, topic, group } = settings, port = Number(settings.port);
    if (screenshot !== undefined) {
      await takeScreenshot(screenshot, settings.dark ? "dark" : "light", stop.signal);
    } else if (nameserver !== undefined) {
      await inspectCluster({ nameserver, topic: topic!, group, port, signal: stop.signal });
    } else {
      const brokerPort = Number(settings["broker-port"]);
      const isQuiet = settings["quiet-broker"] ?? false;
      await inspectEmbedded({ port, brokerPort, isQuiet }, stop.signal);
    }
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return settings.screenshot === undefined ? 0 : 130;
    progress(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
