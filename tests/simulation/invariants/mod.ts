/**
 * The rules that hold whatever happens: S for safety, D for duplicates, L for liveness, H for
 * hygiene, O for operators, P for plain sends. T is a transaction, H its half message, truth what the database says.
 *
 * @module
 */
import { d1 } from "./d1_copies.ts";
import { d2 } from "./d2_bodies.ts";
import { d3 } from "./d3_looked.ts";
import { d4 } from "./d4_discarded.ts";
import { h1 } from "./h1_clean.ts";
import { h2 } from "./h2_quiet.ts";
import { h3 } from "./h3_bounded.ts";
import { h4 } from "./h4_hooks.ts";
import type { Invariant } from "./invariant.ts";
import { l1 } from "./l1_recovers.ts";
import { l2 } from "./l2_dials.ts";
import { l3 } from "./l3_recovery.ts";
import { o1 } from "./o1_operators.ts";
import { p1 } from "./p1_plain.ts";
import { s1 } from "./s01_decided.ts";
import { s2 } from "./s02_phantom.ts";
import { s3 } from "./s03_said.ts";
import { s4 } from "./s04_local.ts";
import { s5 } from "./s05_stable.ts";
import { s6 } from "./s06_answered.ts";
import { s7 } from "./s07_newest.ts";
import { s8 } from "./s08_undecided.ts";
import { s9 } from "./s09_settled.ts";
import { s10 } from "./s10_once.ts";
import { s11 } from "./s11_matched.ts";
import { s12 } from "./s12_misuse.ts";

export { checkRun, type Invariant, type Run, runOf, type Violation } from "./invariant.ts";

/** All rules. */
export const INVARIANTS: readonly Invariant[] = [
  s1,
  s2,
  s3,
  s4,
  s5,
  s6,
  s7,
  s8,
  s9,
  s10,
  s11,
  s12,
  d1,
  d2,
  d3,
  d4,
  l1,
  l2,
  l3,
  h1,
  h2,
  h3,
  h4,
  o1,
  p1,
];
