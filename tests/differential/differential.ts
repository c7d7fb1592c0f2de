import { assertEquals } from "@std/assert";
import { Random } from "../fuzz/random.ts";
import { runJava } from "../support/java_program.ts";
import type { Share, Subject } from "./subject.ts";

const SOURCE = new URL("java/Differential.java", import.meta.url).pathname;

/** A case for which the libraries differ. */
export interface Difference {
  /** Name of the subject. */
  subject: string;
  /** The seed that draws the case. */
  seed: number;
  /** What differs. */
  reason: string;
}

/** Asks the official library about cases of several subjects; the first of each has seed `seed`. */
export async function findDifferences(
  shares: readonly Share[],
  seed: number,
  signal?: AbortSignal,
): Promise<Difference[]> {
  const answers = await askJava(linesOf(shares, seed), signal);
  const differences: Difference[] = [];
  let at = 0;
  for (const [subject, count] of shares) {
    for (let i = 0; i < count; i++) {
      const reason = differenceOf(subject, drawCase(subject, seed + i), answers[at++]!);
      if (reason !== undefined) differences.push({ subject: subject.name, seed: seed + i, reason });
    }
  }
  assertEquals(at, answers.length, "answers");
  return differences;
}

/** The lines that describe the cases. */
function* linesOf(shares: readonly Share[], seed: number): Generator<string> {
  for (const [subject, count] of shares) {
    for (let i = 0; i < count; i++) {
      const drawn = drawCase(subject, seed + i);
      yield [subject.name, ...subject.describe(drawn)].join("|");
    }
  }
}

/** Each case has a seed of its own, so that one can be repeated without the others. */
function drawCase<Case>(subject: Subject<Case>, seed: number): Case {
  return subject.draw(new Random(seed));
}

/** Gives the answer to each line. */
async function askJava(lines: Iterable<string>, signal?: AbortSignal): Promise<string[]> {
  const folder = await Deno.makeTempDir({ prefix: "differential-" });
  try {
    const cases = `${folder}/cases`, answers = `${folder}/answers`;
    const asked = [...lines];
    await Deno.writeTextFile(cases, asked.map((line) => `${line}\n`).join(""));
    await runJava(SOURCE, [cases, answers], signal);
    const answered = (await Deno.readTextFile(answers)).split("\n").slice(0, -1);
    assertEquals(answered.length, asked.length, "answers");
    return answered;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function differenceOf<Case>(
  subject: Subject<Case>,
  drawn: Case,
  answer: string,
): string | undefined {
  try {
    subject.compare(drawn, answer.split("|"));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
