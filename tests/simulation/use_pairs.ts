import * as hand from "./hand_made.ts";
import type { Fact } from "./history.ts";
import type { MemberSettings, Plan } from "./plan.ts";

const { AGAIN, ASKED, ASKED_AND_COMMITTED, CALLED, COMMITTED, END, HALF, OPEN } = hand;
const { PLAN, STORED, broker, but, looked, member, newer, newest, txn } = hand;
type Moment = hand.Moment;
type Pair = hand.Pair;

function withMember(change: Partial<MemberSettings>): Plan {
  return { ...PLAN, member: { ...PLAN.member, ...change } };
}

/** A check-back that was answered with something that is no state, and then with what is. */
function misused(change: Partial<Extract<Fact, { type: "misused" }>>): Moment[] {
  return [
    ...[...OPEN, AGAIN, ASKED_AND_COMMITTED[1]!, ASKED],
    [2_002.5, {
      ...{ type: "misused", member, txn, call: 0, refusal: "InvalidArgumentError" },
      isAnswered: false,
      ...change,
    }],
    ...ASKED_AND_COMMITTED.slice(3),
    ...END,
  ];
}

function hook(when: number, step: "before" | "after", around: "send" | "verdict" = "send"): Moment {
  return [when, { type: "hook", member, around, step, id: "X" }];
}

const ASKED_ABOUT: Moment[] = [...OPEN, ...ASKED_AND_COMMITTED, ...END];

/** A client takes a check-back in. */
function taken(when: number, name: string): Moment {
  return [when, {
    ...{ type: "queued", member, txn: name, broker, handling: "asked", waiting: 1, running: 1 },
  }];
}

/** A client drops a check-back although few wait. */
const dropped: Moment = [2_001, {
  ...{ type: "queued", member, txn, broker, handling: "dropped", waiting: 1, running: 0 },
}];

/** A half message that was discarded, and what an operator is told of it. */
const DISCARDED: Moment[] = [
  ...OPEN,
  AGAIN,
  [3_000, { type: "givenUp", broker, txn, handle: newer }],
];
const INSPECTED: Moment[] = [
  [30_000, { type: "inspecting", member, txn }],
  [30_010, { type: "inspected", member, txn, state: "givenUp", copies: 0, broker }],
];
const RESUMED: Moment[] = [
  [30_011, { type: "resuming", member, txn, broker }],
  [30_012, { type: "stored", broker, txn, handle: newest, checks: 0, isResumed: true }],
  [30_013, { type: "resumed", member, txn }],
];

/** One that nobody asks about, so that only what operators see matters. */
const NEVER: Plan = {
  ...PLAN,
  transactions: [{
    ...PLAN.transactions[0]!,
    local: { ...PLAN.transactions[0]!.local, ends: "never" },
  }],
  faults: [{ kind: "lostChecks", at: 1_000, lasts: 2_500, broker: 0 }],
};

const SECOND = [
  [102, { ...CALLED[1], txn: "t1" }],
  [102, { ...HALF[1], txn: "t1", opaque: 9 }],
  [104, { ...STORED[1], txn: "t1", handle: newer }],
] as Moment[];

/** Histories close together on both sides of how applications and operators may use a client. */
export const USE_PAIRS: readonly Pair[] = [
  {
    invariant: "S12",
    what: "what is no state is taken for an answer",
    broken: misused({ refusal: "TypeError" }),
    but: "it is refused, and a state is taken after it",
    sound: misused({}),
  },
  {
    invariant: "S12",
    what: "what is no state is refused, and so is everything after it",
    broken: misused({ isAnswered: true }),
    but: "a state is taken after it",
    sound: misused({}),
  },
  {
    invariant: "H4",
    what: "what began around a send never ends for a hook",
    broken: [...COMMITTED, hook(100, "before"), ...END],
    but: "it ends",
    sound: [...COMMITTED, hook(100, "before"), hook(103, "after"), ...END],
  },
  {
    invariant: "H4",
    what: "a hook is told twice of one end",
    broken: [
      ...[...COMMITTED, hook(111, "before", "verdict"), hook(113, "after", "verdict")],
      ...[hook(114, "after", "verdict"), ...END],
    ],
    but: "it is told once of each",
    sound: [
      ...[...COMMITTED, hook(111, "before", "verdict"), hook(113, "after", "verdict")],
      ...[hook(114, "before", "verdict"), hook(115, "after", "verdict"), ...END],
    ],
  },
  {
    invariant: "H3",
    what: "more sends are under way than may be",
    broken: [...COMMITTED, ...SECOND, ...END],
    but: "the second one waits for the first",
    sound: [
      ...COMMITTED,
      [110, { ...CALLED[1], txn: "t1" } as Fact],
      [3_110, { type: "settled", member, txn: "t1", outcome: "failed" }],
      ...END,
    ],
    plan: withMember({ maxSendsInFlight: 1 }),
  },
  {
    invariant: "H3",
    what: "more looks are under way than may be",
    broken: [
      ...ASKED_ABOUT,
      ...looked(10_000, 22, { opaque: 71 }),
      ...looked(10_000.1, 22, { opaque: 72 }),
    ],
    but: "the second one waits for the first",
    sound: [
      ...ASKED_ABOUT,
      ...looked(10_000, 22, { opaque: 71 }),
      ...looked(10_001, 22, { opaque: 72 }),
    ],
    plan: { ...PLAN, capacities: { maxQueries: 1 } },
  },
  {
    invariant: "H3",
    what: "check-backs hold more bytes than may be",
    broken: [...ASKED_ABOUT, taken(2_001, txn), taken(2_001.5, "t1")],
    but: "the second one is taken when the first is answered",
    sound: [...ASKED_ABOUT, taken(2_001, txn), taken(3_000, "t1")],
    plan: {
      ...withMember({ checkRequestHoldMax: 5, checkRequestHoldBytes: 700 }),
      transactions: [
        { ...PLAN.transactions[0]!, bodySize: 500 },
        { ...PLAN.transactions[0]!, name: "t1", bodySize: 500 },
      ],
    },
  },
  {
    invariant: "H3",
    what: "a check-back is dropped and there is room for its bytes",
    broken: [...OPEN, AGAIN, ASKED_AND_COMMITTED[1]!, dropped, ...END],
    but: "there is none beside one that is held",
    sound: [
      ...OPEN,
      ...[AGAIN, ASKED_AND_COMMITTED[1]!, taken(2_000.5, "t1"), dropped],
      [2_100, { type: "givenUp", broker, txn }],
      ...END,
    ],
    plan: {
      ...withMember({ checkRequestHoldMax: 5, checkRequestHoldBytes: 700 }),
      transactions: [
        { ...PLAN.transactions[0]!, bodySize: 500 },
        { ...PLAN.transactions[0]!, name: "t1", bodySize: 500 },
      ],
    },
  },
  {
    invariant: "O1",
    what: "an operator is told another number of copies than there are",
    broken: [
      ...COMMITTED,
      INSPECTED[0]!,
      but(INSPECTED[1]!, { state: "committed", copies: 2 }),
      ...END,
    ],
    but: "he is told how many there are",
    sound: [
      ...COMMITTED,
      INSPECTED[0]!,
      but(INSPECTED[1]!, { state: "committed", copies: 1 }),
      ...END,
    ],
  },
  {
    invariant: "O1",
    what: "an operator does not see that a half message was discarded",
    broken: [...DISCARDED, INSPECTED[0]!, but(INSPECTED[1]!, { state: "pending" }), ...END],
    but: "he does",
    sound: [...DISCARDED, ...INSPECTED, ...END],
    plan: NEVER,
  },
  {
    invariant: "O1",
    what: "another transaction comes back than was meant",
    broken: [
      ...[...DISCARDED, ...INSPECTED, RESUMED[0]!, but(RESUMED[1]!, { txn: "t1" }), RESUMED[2]!],
      ...END,
    ],
    but: "the one that was meant comes back",
    sound: [...DISCARDED, ...INSPECTED, ...RESUMED, ...END],
    plan: NEVER,
  },
];
