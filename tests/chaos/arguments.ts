import { DEFAULT_COUNTS, FAULT_KINDS, type FaultCounts, type FaultKind } from "./schedule.ts";

/** The kinds of clusters: clients see the brokers themselves, or proxies only, or others than Java's. */
const CLUSTER_KINDS = [
  "real",
  "proxy",
  "local-proxy",
  "controller",
  "acting",
  "rust",
  "embedded",
] as const;

/** One of the kinds of clusters. */
export type ClusterKind = typeof CLUSTER_KINDS[number];

/** What a run is to be like. */
export interface ChaosOptions {
  cluster: ClusterKind;
  /** Producers of the group that send, each in a process of its own. */
  members: number;
  mode: "confirm" | "oneway";
  /** Milliseconds between two check rounds of a broker, and until it checks back first. */
  interval: number;
  /** Milliseconds for which a broker may keep op messages back before it writes them. */
  opBatch: number;
  seed: number;
  messages: number;
  /** Messages per second. */
  rate: number;
  /** Number of masters. */
  brokers: number;
  faults: FaultCounts;
  /** What the producers run in, in place of this Deno. */
  runtime?: "node" | "bun" | "deno";
  /** How many of 100 messages are commits, in place of the usual share. */
  commits?: number;
  /** Milliseconds of every local transaction, in place of drawn ones. */
  localMs?: number;
  /** Milliseconds of every answer to a check-back, in place of drawn ones. */
  checkMs?: number;
}

/** What the command line wants. */
export interface Wanted extends ChaosOptions {
  help: boolean;
  /** Number of proxies, where the kind of the cluster is `proxy`. */
  proxies: number;
  /** One line of JSON in place of the report. */
  json: boolean;
  /** File for everything that is known of the run. */
  evidence?: string;
}

/** The command line makes no sense. */
export class UsageError extends Error {}

/** Faults that any cluster of brokers in processes of their own can have. */
const GENERAL = ["kill", "freeze", "nameserver", "producer", "network", "pause"] as const;

const DEFAULTS = GENERAL.map((kind) => `${kind}:${DEFAULT_COUNTS[kind]}`).join(",");

/** The usage of the command. */
export const HELP = `Usage: deno task chaos [OPTION...]

Sends transactions to a real cluster of two name servers and two masters while it goes wrong, and
checks with a consumer's eyes what has become of them. What counts as wrong: a commit that is lost,
a message without a commit or with another content, a local transaction that ran twice, a second
copy, a message that is visible and discarded, too (in TRANS_CHECK_MAX_TIME_TOPIC).

  --seed N       decides verdicts, misbehaving listeners, and when what goes wrong; default: 1
  --messages N   default: 2000
  --rate N       messages per second; default: 50
  --brokers N    masters; default: 2
  --proxies N    proxies, with --broker proxy; default: 1
  --faults LIST  of ${FAULT_KINDS.join(", ")}, or none. kill:3 sets how often.
                 default: ${DEFAULTS}
                   kill        kill -9 of a broker, and its restart
                   freeze      SIGSTOP of a broker for 8 s
                   nameserver  kill -9 of a name server, and its restart
                   producer    kill -9 of the producer, followed by one that sends nothing;
                               another one sends the rest where there are other faults, too
                   network     cut, reset, slow, silent, or in pieces, between client and brokers
                   pause       SIGSTOP of the producer for 8 s
                   proxy       kill -9 of a proxy, and its restart
                   failover    kill -9 of a master that has a slave, and its restart after 10 s
                   lag         SIGSTOP of a slave for 4 s, then kill -9 of its master: the slave is
                               promoted without what it missed, which is told and not held against
                               the client
  --members N    producers that send, each a process; default: 1
  --runtime NAME node, bun, or deno for the lowest Deno: what the producers run in;
                 default: this Deno
  --mode MODE    confirm or oneway: whether commits wait for their answers; default: confirm
  --broker KIND  real, proxy (clients see RocketMQ proxies only, and nothing can be looked up),
                 local-proxy (each broker runs in the process of a proxy in local mode),
                 controller (a controller makes one of two brokers of each name the master),
                 acting (a slave of the first master acts for it while it is away),
                 rust (RocketMQ Rust 1.0.0, one name server; built first, which takes long), or
                 embedded (kill, producer and pause only); default: real
  --interval N   milliseconds between two check rounds of a broker; default: 3000
  --op-batch N   milliseconds that a broker may keep op messages back; default: 200, RocketMQ: 3000
  --commits N    how many of 100 messages are commits; default: 65
  --local-ms N   milliseconds of every local transaction; default: drawn, up to 1.5 s
  --check-ms N   milliseconds of every answer to a check-back; default: drawn, up to 1.5 s
  --json         the figures as one line of JSON
  --evidence F   writes everything that is known of the run to a file, as JSON
  --help         this text

Exit code 0: no safety rule was broken. 1: one was. 2: wrong arguments.`;

/** @throws {UsageError} */
export function readArguments(args: readonly string[]): Wanted {
  const wanted: Wanted = {
    ...{ help: false, json: false, seed: 1, messages: 2_000, rate: 50, brokers: 2, members: 1 },
    ...{ proxies: 1, cluster: "real", mode: "confirm", interval: 3_000, opBatch: 200 },
    faults: {},
  };
  const rest = args.flatMap((arg) => /^--[a-z-]+=/.test(arg) ? splitAtEquals(arg) : [arg]);
  for (let i = 0; i < rest.length; i++) {
    const name = rest[i]!;
    if (name === "--help") wanted.help = true;
    else if (name === "--json") wanted.json = true;
    else if (name === "--faults") wanted.faults = readFaults(rest[++i]);
    else if (name === "--evidence") wanted.evidence = readPath(rest[++i]);
    else if (name === "--seed") wanted.seed = readNumber(name, rest[++i], 0);
    else if (name === "--messages") wanted.messages = readNumber(name, rest[++i], 1);
    else if (name === "--rate") wanted.rate = readNumber(name, rest[++i], 1);
    else if (name === "--brokers") wanted.brokers = readNumber(name, rest[++i], 1);
    else if (name === "--proxies") wanted.proxies = readNumber(name, rest[++i], 1);
    else if (name === "--members") wanted.members = readNumber(name, rest[++i], 1);
    else if (name === "--commits") wanted.commits = readNumber(name, rest[++i], 0);
    else if (name === "--interval") wanted.interval = readNumber(name, rest[++i], 100);
    else if (name === "--op-batch") wanted.opBatch = readNumber(name, rest[++i], 1);
    else if (name === "--runtime") {
      wanted.runtime = readChoice(name, rest[++i], ["node", "bun", "deno"]);
    } else if (name === "--mode") wanted.mode = readChoice(name, rest[++i], ["confirm", "oneway"]);
    else if (name === "--broker") {
      wanted.cluster = readChoice(name, rest[++i], CLUSTER_KINDS);
    } else if (name === "--local-ms") wanted.localMs = readNumber(name, rest[++i], 0);
    else if (name === "--check-ms") wanted.checkMs = readNumber(name, rest[++i], 0);
    else throw new UsageError(`Cannot use ${name}: it is no option`);
  }
  if (!rest.includes("--faults")) wanted.faults = defaultFaults(wanted.cluster);
  const impossible = Object.keys(wanted.faults).find((kind) =>
    !POSSIBLE[wanted.cluster].includes(kind as FaultKind)
  );
  if (impossible === undefined) return wanted;
  throw new UsageError(
    `Cannot use --faults: ${impossible} is not possible with --broker ${wanted.cluster}`,
  );
}

/** The faults that can be made, by the kind of the cluster. */
const POSSIBLE: Readonly<Record<ClusterKind, readonly FaultKind[]>> = {
  real: GENERAL,
  proxy: [...GENERAL.filter((kind) => kind !== "network"), "proxy"],
  "local-proxy": GENERAL,
  controller: ["failover", "lag", "producer", "pause"],
  acting: ["failover", "producer", "pause"],
  rust: ["kill", "freeze", "nameserver", "producer", "pause"],
  embedded: ["kill", "producer", "pause"],
};

/** Those that come when none are asked for. */
function defaultFaults(cluster: ClusterKind): FaultCounts {
  const kinds = POSSIBLE[cluster].filter((kind) => kind !== "lag");
  return Object.fromEntries(kinds.map((kind) => [kind, DEFAULT_COUNTS[kind]]));
}

function splitAtEquals(arg: string): string[] {
  const at = arg.indexOf("=");
  return [arg.slice(0, at), arg.slice(at + 1)];
}

function readNumber(name: string, text: string | undefined, least: number): number {
  const value = Number(text || NaN);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`Cannot use ${name} ${text ?? ""}: it takes a whole number from ${least}`);
}

function readChoice<T extends string>(
  name: string,
  text: string | undefined,
  choices: readonly T[],
): T {
  const choice = choices.find((it) => it === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`Cannot use ${name} ${text ?? ""}: it takes one of ${choices.join(", ")}`);
}

function readPath(path: string | undefined): string {
  if (path) return path;
  throw new UsageError("Cannot use --evidence: it takes the path of a file");
}

function readFaults(list: string | undefined): FaultCounts {
  if (list === "none") return {};
  const counts: FaultCounts = {};
  for (const part of (list ?? "").split(",")) {
    const [kind, count] = part.split(":");
    if (!isFaultKind(kind)) {
      throw new UsageError(`Cannot use --faults ${list ?? ""}: there is no fault "${kind}"`);
    }
    counts[kind] = count === undefined
      ? DEFAULT_COUNTS[kind]
      : readNumber(`--faults ${kind}:`, count, 1);
  }
  return counts;
}

function isFaultKind(name: string | undefined): name is FaultKind {
  return FAULT_KINDS.some((kind) => kind === name);
}
