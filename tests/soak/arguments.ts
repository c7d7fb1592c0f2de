/** What the command line wants. */
export interface Wanted {
  help: boolean;
  /** How long transactions are sent. */
  minutes: number;
  /** Transactions a second. */
  rate: number;
  /** Seconds from one kill of a broker to the next; 0 for none. */
  killEvery: number;
  /** Number of masters; they are killed in turn. */
  brokers: number;
  /** Decides which verdict each transaction gets. */
  seed: number;
}

/** The command line makes no sense. */
export class UsageError extends Error {}

/** The usage of the command. */
export const HELP =
  `Usage: deno task soak [--minutes N] [--rate N] [--kill-every SECONDS] [--brokers N] [--seed N]

Starts a real cluster, has a producer in a process of its own send transactions with random verdicts
to it, kills a broker with SIGKILL again and again and restarts it at once, and reads all messages
that become visible. Each minute it tells, in one line, what the producer and the reader have
counted; "lost" are commits of more than a minute ago that are not visible yet.

  --minutes N           how long transactions are sent; default: 30
  --rate N              transactions a second; default: 500
  --kill-every SECONDS  from one kill to the next, 0 for none; default: 60
  --brokers N           masters of the cluster, which are killed in turn; default: 2
  --seed N              decides the verdicts; default: 1

Ctrl+C stops sending, settles what is open and reports; a second time it ends at once.

Exit code 0: nothing lost, no phantom, nothing corrupt, no local transaction twice, no unhandled
rejection, and the heap grew by less than 1 MiB in 10 minutes. 1: not so. 2: wrong arguments. 130: as 0,
but ended early by Ctrl+C.`;

const BOUNDS = {
  "--minutes": ["minutes", 0.1, 100_000],
  "--rate": ["rate", 1, 5_000],
  "--kill-every": ["killEvery", 0, 100_000],
  "--brokers": ["brokers", 1, 8],
  "--seed": ["seed", 0, 2 ** 32 - 1],
} as const;

/** @throws {UsageError} */
export function readArguments(args: readonly string[]): Wanted {
  const wanted: Wanted = {
    help: false,
    minutes: 30,
    rate: 500,
    killEvery: 60,
    brokers: 2,
    seed: 1,
  };
  for (let i = 0; i < args.length; i++) {
    const name = args[i]!;
    if (name === "--help") {
      wanted.help = true;
      continue;
    }
    if (!Object.hasOwn(BOUNDS, name)) throw new UsageError(`Cannot use ${name}: it is no option`);
    const [option, min, max] = BOUNDS[name as keyof typeof BOUNDS];
    const text = args[++i] ?? "", value = Number(text);
    const fits = text.trim() !== "" && value >= min && value <= max;
    if (!fits || option !== "minutes" && !Number.isInteger(value)) {
      const kind = option === "minutes" ? "number" : "whole number";
      throw new UsageError(`Cannot use ${name} ${text}: it takes a ${kind} from ${min} to ${max}`);
    }
    wanted[option] = value;
  }
  return wanted;
}
