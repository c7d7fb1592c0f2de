import { encodeBase64 } from "./base64.ts";
import { AllocationMeter } from "./allocation_meter.ts";
import { mutate } from "./mutations.ts";
import { Random } from "./random.ts";
import type { FuzzReport, Target } from "./target.ts";

/** Most bytes that reading an input may take in one buffer, beyond the size of the input. */
const ALLOWED_EXCESS = 64 * 1024;

/** An input that brought a fault to light. Its message tells how to see it again. */
export class FuzzFailure extends Error {
  constructor(target: Target, seed: number, input: Uint8Array, cause: unknown) {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    super(
      `${target.name}, seed ${seed}: ${reason}\ninput of ${input.length} bytes: ${
        encodeBase64(input.subarray(0, 4_096))
      }`,
      { cause },
    );
    this.name = "FuzzFailure";
  }
}

/**
 * Reads `runs` inputs. Each has a seed of its own, from `firstSeed` on, so that one can be repeated
 * without the others.
 *
 * @throws {FuzzFailure} at the first fault.
 */
export function fuzz(target: Target, firstSeed: number, runs: number): FuzzReport {
  const report = { runs, accepted: 0, refused: 0, largestExcess: 0, seconds: 0 };
  using meter = new AllocationMeter();
  const start = performance.now();
  for (let run = 0; run < runs; run++) {
    const seed = firstSeed + run, random = new Random(seed);
    const input = nextInput(target, random);
    try {
      meter.reset();
      const accepted = isAccepted(target, input, random);
      const { largest } = meter, excess = largest - input.length;
      report.largestExcess = Math.max(report.largestExcess, excess);
      if (excess > ALLOWED_EXCESS) throw new Error(`it took ${largest} bytes in one buffer`);
      report[accepted ? "accepted" : "refused"]++;
    } catch (cause) {
      throw new FuzzFailure(target, seed, input, cause);
    }
  }
  report.seconds = (performance.now() - start) / 1_000;
  return report;
}

function nextInput(target: Target, random: Random): Uint8Array {
  if (target.make && target.madeOneIn && random.oneIn(target.madeOneIn)) return target.make(random);
  return mutate(random, random.pick(target.seeds), target.seeds);
}

function isAccepted(target: Target, input: Uint8Array, random: Random): boolean {
  try {
    return target.read(input, random);
  } catch (error) {
    if (target.refusals.some((refusal) => error instanceof refusal)) return false;
    throw error;
  }
}
