import * as hand from "./hand_made.ts";
import type { Fact } from "./history.ts";
import type { Plan, PlannedFault } from "./plan.ts";

const {
  AGAIN,
  ANSWERED,
  ASKED,
  CALLED,
  CHECK,
  COMMITTED,
  CONFIRMED,
  END,
  OPEN,
  PLAN,
  SETTLED,
  VISIBLE,
  broker,
  member,
  newer,
  txn,
  verdict,
  without,
  newest,
  at,
  but,
  reconnected,
  END_ON_2,
  ASKED_AND_COMMITTED,
  LOOK,
  looked,
  COMMITTED_AGAIN,
} = hand;
type Moment = hand.Moment;
type Pair = hand.Pair;

function withFaults(...faults: PlannedFault[]): Plan {
  return { ...PLAN, faults };
}

/** A commit whose answer got lost with its connection. */
const IN_VAIN: Moment[] = [
  ...without(COMMITTED, CONFIRMED, SETTLED),
  ...reconnected(113, 200),
  but(at(114, SETTLED), { endTransaction: "failed" }),
  [2_000, { type: "stored", broker, txn, handle: newer, checks: 1, of: 0 }],
  but(CHECK, { link: 2 }),
];

const REST: Moment = [39_999, {
  ...{ type: "rested", member, timers: 2, links: 2, held: 0, inFlight: 0 },
}];

/** Histories that lie close together on both sides of a rule of copies, liveness or hygiene. */
export const OTHER_PAIRS: readonly Pair[] = [
  {
    invariant: "D1",
    what: "a commit whose answer got lost is given again without a look",
    broken: [...IN_VAIN, ...COMMITTED_AGAIN, ...END_ON_2],
    but: "it got lost on its way, and a look finds nothing",
    sound: [
      ...[...without(IN_VAIN, VISIBLE), LOOK],
      [2_003, { type: "gotReply", member, link: 2, opaque: 7, code: 22 }],
      ...COMMITTED_AGAIN,
      ...END_ON_2,
    ],
  },
  {
    invariant: "D1",
    what: "a commit is given again although a look found its message",
    broken: [
      ...[...IN_VAIN, LOOK],
      [2_003, { type: "gotReply", member, link: 2, opaque: 7, code: 0 }],
      ...COMMITTED_AGAIN,
      ...END_ON_2,
    ],
    but: "the question is answered with unknown then",
    sound: [
      ...[...IN_VAIN, LOOK],
      [2_003, { type: "gotReply", member, link: 2, opaque: 7, code: 0 }],
      verdict(2_004, "UNKNOWN", { fromCheck: true, link: 2 }),
      ...END_ON_2,
    ],
  },
  {
    invariant: "D1",
    what: "one record is made visible twice",
    broken: [...COMMITTED, at(112.5, VISIBLE), ...END],
    but: "it is once",
    sound: [...COMMITTED, ...END],
  },
  {
    invariant: "L1",
    what: "a connection is not back soon after the faults are over",
    broken: [...COMMITTED, ...reconnected(5_000, 14_000), ...END_ON_2],
    but: "it is",
    sound: [...COMMITTED, ...reconnected(5_000, 8_000), ...END_ON_2],
    plan: withFaults({ kind: "reset", at: 5_000, slot: 0, server: "b0" }),
  },
  {
    invariant: "L1",
    what: "what was decided is not resolved within two rounds",
    broken: [
      ...[...OPEN, at(32_000, AGAIN), at(32_001, CHECK), at(32_002, ASKED), at(32_003, ANSWERED)],
      ...looked(32_003.2, 22),
      verdict(32_004, "COMMIT", { fromCheck: true }),
      [40_005, { type: "visible", broker, txn, handle: newer, link: 1 }],
    ],
    but: "it is",
    sound: [...OPEN, ...ASKED_AND_COMMITTED, ...END],
  },
  {
    invariant: "L1",
    what: "a send waits for the answer to its verdict far beyond its time",
    broken: [
      ...without(COMMITTED, CONFIRMED, SETTLED),
      but(at(20_000, SETTLED), { endTransaction: "failed" }),
      ...END,
    ],
    but: "it ends in time",
    sound: [
      ...without(COMMITTED, CONFIRMED, SETTLED),
      but(at(3_111, SETTLED), { endTransaction: "failed" }),
      ...END,
    ],
  },
  {
    invariant: "H1",
    what: "a client at rest has timers for nothing",
    broken: [...COMMITTED, but(REST, { timers: 3 }), ...END],
    but: "it has those of its periodic work",
    sound: [...COMMITTED, REST, ...END],
  },
  {
    invariant: "H1",
    what: "a client at rest holds check-backs",
    broken: [...COMMITTED, but(REST, { held: 1 }), ...END],
    but: "it holds none",
    sound: [...COMMITTED, REST, ...END],
  },
  {
    invariant: "H1",
    what: "a client at rest counts sends that are over",
    broken: [...COMMITTED, but(REST, { inFlight: 1 }), ...END],
    but: "it counts none",
    sound: [...COMMITTED, REST, ...END],
  },
  {
    invariant: "H1",
    what: "a shutdown leaves the promise of a send",
    broken: [...COMMITTED, [39_990, { ...CALLED[1], txn: "t1" } as Fact], ...END],
    but: "it has settled",
    sound: [
      ...COMMITTED,
      [39_990, { ...CALLED[1], txn: "t1" } as Fact],
      [39_999, { type: "settled", member, txn: "t1", outcome: "failed" }],
      ...END,
    ],
  },
  {
    invariant: "H1",
    what: "a shutdown leaves a question without an answer before its time is over",
    broken: [...OPEN, at(39_990, AGAIN), at(39_991, CHECK), at(39_992, ASKED), ...END],
    but: "it answers first",
    sound: [
      ...[...OPEN, ...ASKED_AND_COMMITTED],
      [39_990, { type: "stored", broker, txn, handle: newest, checks: 2, of: 400 }],
      but(at(39_991, CHECK), { handle: newest }),
      verdict(39_992, "UNKNOWN", { fromCheck: true, handle: newest }),
      ...END,
    ],
  },
];
