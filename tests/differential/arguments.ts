/** What the command line wants. */
export interface Wanted {
  help: boolean;
  commands: number;
  signatures: number;
  /** Of properties, of batches and of message ids. */
  messages: number;
  seed: number;
}

/** The command line makes no sense. */
export class UsageError extends Error {}

/** The usage of the command. */
export const HELP =
  `Usage: deno task differential [--commands N] [--signatures N] [--messages N] [--seed N]

Needs a JDK; Maven fetches the official library the first time.

  --commands N    commands, each in both forms of the header; default: 10000
  --signatures N  requests that are signed; default: 1000
  --messages N    of each: properties, batches of messages, message ids; default: 1000
  --seed N        seed of the first case, the next one has the next seed; default: 1

Exit code 0: no difference. 1: a difference, with the seed that shows it again. 2: wrong arguments.`;

const OPTIONS = ["commands", "signatures", "messages", "seed"] as const;

/** @throws {UsageError} */
export function readArguments(args: readonly string[]): Wanted {
  const wanted: Wanted = {
    help: false,
    commands: 10_000,
    signatures: 1_000,
    messages: 1_000,
    seed: 1,
  };
  for (let i = 0; i < args.length; i++) {
    const name = args[i]!;
    if (name === "--help") {
      wanted.help = true;
      continue;
    }
    const option = OPTIONS.find((option) => name === `--${option}`);
    if (!option) throw new UsageError(`Cannot use ${name}: it is no option`);
    const text = args[++i] ?? "";
    if (!/^\d{1,9}$/.test(text)) {
      throw new UsageError(`Cannot use ${name} ${text}: it takes a whole number`);
    }
    wanted[option] = Number(text);
  }
  return wanted;
}
