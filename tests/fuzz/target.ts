import type { Random } from "./random.ts";

/** Something that reads what comes from the network, and what must hold for whatever it reads. */
export interface Target {
  /** Its name on the command line. */
  readonly name: string;
  /** Inputs that are right, to be changed. */
  readonly seeds: readonly Uint8Array[];
  /** Inputs that are made, not changed, in one of this many runs; never when absent. */
  readonly madeOneIn?: number;
  /** Makes such an input. */
  make?(random: Random): Uint8Array;
  /**
   * Reads an input and says whether it was accepted. Throws what the code under test throws; an
   * `assert` that fails is a fault, too.
   */
  read(input: Uint8Array, random: Random): boolean;
  /** The errors with which an input may be refused. */
  // deno-lint-ignore no-explicit-any
  readonly refusals: readonly (new (...args: any[]) => Error)[];
}

/** What came out of a number of runs. */
export interface FuzzReport {
  /** Inputs that were read. */
  runs: number;
  /** Those that were accepted. */
  accepted: number;
  /** Those that were refused with an error that is allowed. */
  refused: number;
  /** Bytes of the largest buffer beyond the size of its input. */
  largestExcess: number;
  /** Seconds that it took. */
  seconds: number;
}
