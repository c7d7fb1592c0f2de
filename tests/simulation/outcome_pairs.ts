import * as hand from "./hand_made.ts";
import type { Plan } from "./plan.ts";

const {
  AGAIN,
  ANSWERED,
  ASKED,
  BEGAN,
  CALLED,
  CHECK,
  COMMIT,
  COMMITTED,
  CONFIRMED,
  CONNECTED,
  END,
  ENDED,
  HALF,
  OPEN,
  PLAN,
  RECORDED,
  SETTLED,
  STORED,
  STORED_REPLY,
  VISIBLE,
  address,
  broker,
  member,
  newer,
  txn,
  verdict,
  without,
  newest,
  at,
  but,
  ASKED_AND_COMMITTED,
} = hand;
type Moment = hand.Moment;
type Pair = hand.Pair;

const other = "c1.0";

/** A half message that the broker stored and never said so. */
const UNHEARD: Moment[] = [
  ...[...CONNECTED, CALLED, HALF, STORED],
  [3_100, { type: "settled", member, txn, outcome: "indeterminate" }],
  [4_000, AGAIN[1]],
  [4_001, CHECK[1]],
];

const ROLLED_BACK: Moment[] = [
  [4_003, { type: "recorded", txn, state: "ROLLBACK" }],
  [4_003, { type: "answered", member, txn, call: 0, returned: "ROLLBACK" }],
  verdict(4_004, "ROLLBACK", { fromCheck: true }),
  [4_005, { type: "rolledBack", broker, txn, handle: newer, link: 1 }],
];

/** A question that is put to the listener as if this client had never sent it. */
const FORGOTTEN: Moment[] = ASKED_AND_COMMITTED.map((moment) =>
  moment === ASKED ? but(ASKED, { ran: undefined }) : moment
);

const OTHERS_IN_TROUBLE: Moment[] = ["t1", "t2"].flatMap((name, index): Moment[] => [
  [500, { type: "called", member, txn: name, timeout: 1_000 }],
  [501, { type: "wroteHalf", member, link: 1, txn: name, opaque: 20 + index }],
  [1_500, { type: "settled", member, txn: name, outcome: "indeterminate" }],
]);

const SMALL_MEMORY: Plan = {
  ...PLAN,
  transactions: ["t0", "t1", "t2"].map((name) => ({ ...PLAN.transactions[0]!, name })),
  capacities: { maxTroubled: 2 },
};

const UNDECIDED: Plan = {
  ...PLAN,
  broker: { ...PLAN.broker, maxChecks: 1 },
  transactions: [{ ...PLAN.transactions[0]!, undecided: true }],
};

const NEVER_DECIDED: Moment[] = [
  ...without(OPEN, RECORDED),
  ...[AGAIN, CHECK, ASKED, but(ANSWERED, { returned: "UNKNOWN" })],
  verdict(2_003, "UNKNOWN", { fromCheck: true }),
];
const GIVEN_UP: Moment = [4_000, { type: "givenUp", broker, txn }];

/** Histories that lie close together on both sides of how a transaction may end. */
export const OUTCOME_PAIRS: readonly Pair[] = [
  {
    invariant: "S9",
    what: "a client forgets a run whose end is open although it has room",
    broken: [...OPEN, ...FORGOTTEN, ...END],
    but: "others have had trouble since",
    sound: [...OPEN, ...OTHERS_IN_TROUBLE, ...FORGOTTEN, ...END],
    plan: SMALL_MEMORY,
  },
  {
    invariant: "S8",
    what: "what is undecided for ever is not given up",
    broken: [...NEVER_DECIDED, ...END],
    but: "it is",
    sound: [...NEVER_DECIDED, GIVEN_UP, ...END],
    plan: UNDECIDED,
  },
  {
    invariant: "S8",
    what: "what is undecided for ever is asked about too often",
    broken: [
      ...[...NEVER_DECIDED, GIVEN_UP],
      [6_000, { type: "stored", broker, txn, handle: newest, checks: 2, of: 400 }],
      but(at(6_001, CHECK), { handle: newest }),
      verdict(6_002, "UNKNOWN", { fromCheck: true, handle: newest }),
      ...END,
    ],
    but: "it is as often as it may be",
    sound: [...NEVER_DECIDED, GIVEN_UP, ...END],
    plan: UNDECIDED,
  },
  {
    invariant: "S9",
    what: "a send whose half message may be there counts as failed for certain",
    broken: [
      ...[...CONNECTED, CALLED, HALF],
      [3_000, { type: "settled", member, txn, outcome: "failed" }],
      ...END,
    ],
    but: "the broker has refused it",
    sound: [
      ...[...CONNECTED, CALLED, HALF],
      [103, { type: "gotReply", member, link: 1, opaque: 2, code: 2 }],
      [104, { type: "settled", member, txn, outcome: "failed" }],
      ...END,
    ],
  },
  {
    invariant: "S9",
    what: "a send ends with an error that says nothing of its half message",
    broken: [
      ...[...CONNECTED, CALLED],
      [3_000, { type: "settled", member, txn, outcome: "refused", reason: "Error" }],
      ...END,
    ],
    but: "it says that there is none",
    sound: [
      ...[...CONNECTED, CALLED],
      [3_000, { type: "settled", member, txn, outcome: "failed" }],
      ...END,
    ],
  },
  {
    invariant: "S9",
    what: "a question about a send that did not end well does not reach the listener",
    broken: [...UNHEARD, verdict(4_002, "UNKNOWN", { fromCheck: true }), ...END],
    but: "it does, and is told that the local transaction did not run",
    sound: [
      ...UNHEARD,
      ...[but(at(4_002, ASKED), { ran: false }), ...ROLLED_BACK],
      ...END,
    ],
  },
  {
    invariant: "S9",
    what: "a confirmed verdict counts as failed",
    broken: [...without(COMMITTED, SETTLED), but(SETTLED, { endTransaction: "failed" }), ...END],
    but: "it counts as confirmed",
    sound: [...COMMITTED, ...END],
  },
  {
    invariant: "S9",
    what: "a client that did not send a transaction says that it did not run",
    broken: [
      ...OPEN,
      [500, { type: "linked", member: other, link: 3, address, broker }],
      ...[AGAIN, but(CHECK, { member: other, link: 3 })],
      but(ASKED, { member: other, ran: false }),
      ...END,
    ],
    but: "the one that did says it ran",
    sound: [...OPEN, ...ASKED_AND_COMMITTED, ...END],
  },
  {
    invariant: "S11",
    what: "a late answer to the half message lets the local transaction run",
    broken: [
      ...without(COMMITTED, STORED_REPLY, BEGAN, RECORDED, ENDED, COMMIT, VISIBLE, CONFIRMED),
      ...[at(3_200, STORED_REPLY), at(3_201, BEGAN)],
      ...END,
    ],
    but: "it comes in time",
    sound: [...COMMITTED, ...END],
  },
  {
    invariant: "S11",
    what: "a verdict counts as confirmed by an answer that came too late",
    broken: [
      ...without(COMMITTED, CONFIRMED, SETTLED),
      ...[at(3_300, CONFIRMED), at(3_301, SETTLED)],
      ...END,
    ],
    but: "it came in time",
    sound: [
      ...without(COMMITTED, CONFIRMED, SETTLED),
      ...[at(3_100, CONFIRMED), at(3_101, SETTLED)],
      ...END,
    ],
  },
];
