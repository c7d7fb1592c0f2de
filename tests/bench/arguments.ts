/** How messages are sent, or that they are consumed. */
export type BenchMode = "tx" | "send" | "oneway" | "consume";

/** What bodies are like: random letters, or orders as JSON. */
export type BodyKind = "letters" | "json";

/** What the command line wants. */
export interface Wanted {
  /** Name servers. */
  namesrv: string;
  /** Topic. */
  topic: string;
  /** Producer group. */
  group: string;
  /** Messages that are measured; a tenth of them, 2000 at least, are sent before. */
  messages: number;
  /** Senders at once, or handlers. */
  concurrency: number;
  /** Queues of the topic that is consumed. */
  queues: number;
  /** Bytes of each body. */
  body: number;
  /** What they are like. */
  bodyKind: BodyKind;
  /** How they are sent. */
  mode: BenchMode;
  /** `"default"`: bodies from 4096 bytes on. */
  compress: "default" | "off";
  /** Whether each verdict is confirmed by the broker. */
  verdict: "confirm" | "oneway";
  /** Only tells the usage. */
  help: boolean;
}

/** The command line makes no sense. */
export class UsageError extends Error {}

const MODES: readonly string[] = ["tx", "send", "oneway", "consume"] satisfies BenchMode[];

/** The usage of the command. */
export const HELP = `Usage: deno task bench [--namesrv HOST:PORT] [--topic NAME] [--group NAME]
                       [--messages N] [--concurrency N] [--body BYTES] [--body-kind letters|json]
                       [--mode tx|send|oneway|consume] [--queues N]
                       [--compress default|off] [--confirm|--oneway-verdict]

Sends to a running broker, a tenth of the messages (2000 at least) first to warm up, and prints one
line of JSON: rate, latencies, CPU time and peak memory of this process.

  --namesrv      name servers; default: 127.0.0.1:9876
  --topic        it has to exist or be made by the broker; default: bench_deno_tx
  --group        producer group; default: bench_deno
  --messages     messages that are measured; default: 20000
  --concurrency  senders at once, or handlers; default: 32
  --body         bytes of each body; default: 128
  --body-kind    random letters, which hardly compress, or orders as JSON; default: letters
  --mode         transactions, confirmed sends, one-way sends, or consuming: another process sends
                 the messages before, to a topic that is made for it, and its name gets a suffix; a
                 handler that does nothing acknowledges them; no latencies are told; default: tx
  --queues       queues of the topic that is consumed; default: 4
  --compress     bodies from 4096 bytes on, or none; default: default
  --confirm      each verdict waits for the broker's answer, the default
  --oneway-verdict   it does not, as with the other clients

Exit code 0: done. 1: a message failed, or there is no broker. 2: wrong arguments.`;

/** @throws {UsageError} */
export function readArguments(args: readonly string[]): Wanted {
  const wanted: Wanted = {
    namesrv: "127.0.0.1:9876",
    topic: "bench_deno_tx",
    group: "bench_deno",
    messages: 20_000,
    concurrency: 32,
    queues: 4,
    body: 128,
    bodyKind: "letters",
    mode: "tx",
    compress: "default",
    verdict: "confirm",
    help: false,
  };
  for (let i = 0; i < args.length; i++) {
    const name = args[i]!;
    if (name === "--help") wanted.help = true;
    else if (name === "--confirm") wanted.verdict = "confirm";
    else if (name === "--oneway-verdict") wanted.verdict = "oneway";
    else readOption(wanted, name, args[++i] ?? "");
  }
  return wanted;
}

function readOption(wanted: Wanted, name: string, value: string): void {
  const refuse = (allowed: string): never => {
    throw new UsageError(`Cannot use ${name} ${value}: ${allowed}`);
  };
  switch (name) {
    case "--namesrv":
    case "--topic":
    case "--group":
      if (value === "") refuse("it needs a value");
      wanted[name.slice(2) as "namesrv" | "topic" | "group"] = value;
      break;
    case "--messages":
    case "--concurrency":
    case "--queues":
    case "--body": {
      const number = Number(value), least = name === "--body" ? 0 : 1;
      if (value === "" || !Number.isSafeInteger(number) || number < least) {
        refuse(`it takes a whole number from ${least}`);
      }
      wanted[name.slice(2) as "messages" | "concurrency" | "queues" | "body"] = number;
      break;
    }
    case "--body-kind":
      if (value !== "letters" && value !== "json") refuse("it is letters or json");
      wanted.bodyKind = value as BodyKind;
      break;
    case "--mode":
      if (!MODES.includes(value)) refuse(`it is one of ${MODES.join(", ")}`);
      wanted.mode = value as BenchMode;
      break;
    case "--compress":
      if (value !== "default" && value !== "off") refuse("it is default or off");
      wanted.compress = value as Wanted["compress"];
      break;
    default:
      throw new UsageError(`Cannot use ${name}: it is no option`);
  }
}
