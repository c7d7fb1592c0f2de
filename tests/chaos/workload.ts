import { Random } from "../fuzz/random.ts";
import { LocalTransactionState } from "../../mod.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

/** What a listener does instead of answering as it should. */
export type Misbehaviour = "throw" | "reject" | "garbage" | "unknown";

/** What an application does with one message. It follows from the seed and the number alone. */
export interface MessagePlan {
  /** Number of the message, from 0. */
  index: number;
  /** What the database says once the local transaction has run. */
  truth: "COMMIT" | "ROLLBACK";
  /** What the local transaction answers in place of the truth. */
  local: Misbehaviour | undefined;
  /** Milliseconds that the local transaction takes. */
  localMs: number;
  /** What the first check-backs are answered in place of the truth. */
  checks: readonly Misbehaviour[];
  /** Milliseconds that an answer to a check-back takes. */
  checkMs: number;
  /** Bytes of the body. */
  bodySize: number;
}

/** What is the same for all messages. */
export interface WorkloadOptions {
  /** Decides all that is left to chance. */
  seed: number;
  /** How many of 100 messages are commits, the others rollbacks. @default {65} */
  commits?: number;
  /** Milliseconds of every local transaction, in place of drawn ones. */
  localMs?: number;
  /** Milliseconds of every answer to a check-back, in place of drawn ones. */
  checkMs?: number;
}

/**
 * The longest that a local transaction takes when its time is drawn, in milliseconds: with what a
 * check round takes it stays below the broker's timeout. Beyond, rounds cross verdicts by chance.
 */
const LONGEST_LOCAL = 1_500;

/** How long a local transaction may take, in milliseconds. */
export function longestLocal({ localMs = 0 }: WorkloadOptions): number {
  return Math.max(localMs, LONGEST_LOCAL);
}

/** Draws one message: most are commits, two of five are not decided at once. */
export function drawMessage(options: WorkloadOptions, index: number): MessagePlan {
  const random = messageRandom(options.seed, index);
  const truth = random.below(100) < (options.commits ?? 65) ? "COMMIT" : "ROLLBACK";
  const local = random.below(100) < 40
    ? random.pick(["throw", "reject", "garbage", "unknown", "unknown", "unknown"] as const)
    : undefined;
  const checks = random.oneIn(3)
    ? Array.from(
      { length: 1 + random.below(2) },
      () => random.pick(["throw", "reject", "garbage", "unknown"] as const),
    )
    : [];
  const drawnLocal = random.oneIn(10) ? random.below(LONGEST_LOCAL) : random.below(5);
  const drawnCheck = random.oneIn(10) ? random.below(1_500) : random.below(5);
  return {
    ...{ index, truth, local, checks },
    localMs: options.localMs ?? drawnLocal,
    checkMs: options.checkMs ?? drawnCheck,
    // One in twenty is large enough to be compressed.
    bodySize: random.oneIn(20) ? 4_096 + random.below(8_192) : 16 + random.below(1_024),
  };
}

/** The body of a message: text and noise, the same whenever it is made. */
export function createBody(seed: number, { index, bodySize }: MessagePlan): Uint8Array {
  const random = messageRandom(seed ^ 0x5bd1e995, index);
  const body = new Uint8Array(bodySize);
  const half = bodySize >> 1;
  for (let i = 0; i < bodySize; i++) {
    body[i] = i < half ? 97 + (i + index) % 26 : random.below(256);
  }
  return body;
}

/** Does what was planned: gives the answer, another one, or throws. */
export async function answer(
  truth: LocalTransactionState,
  instead: Misbehaviour | undefined,
  random: Random,
): Promise<LocalTransactionState> {
  switch (instead) {
    case undefined:
      return truth;
    case "unknown":
      return Unknown;
    case "throw":
      throw new Error("The database does not answer");
    case "reject":
      return await Promise.reject(random.pick([undefined, null, 0, "no", new Error("no")]));
    case "garbage":
      return random.pick([
        undefined,
        null,
        8,
        "YES",
        {},
        truth === Commit ? "commit" : Rollback + " ",
      ]) as never;
  }
}

function messageRandom(seed: number, index: number): Random {
  const random = new Random(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  random.next();
  return random;
}
