import * as hand from "./hand_made.ts";
import type { Fact } from "./history.ts";
import type { MemberSettings, Plan } from "./plan.ts";

const { AGAIN, ASKED, ASKED_AND_COMMITTED, CALLED, CHECK, COMMIT, COMMITTED, CONFIRMED } = hand;
const { CONNECTED, END, HALF, OPEN, PLAN, SETTLED, STORED, STORED_REPLY, VISIBLE } = hand;
const { broker, but, member, newer, txn, verdict, without } = hand;
type Moment = hand.Moment;
type Pair = hand.Pair;

function withMember(change: Partial<MemberSettings>): Plan {
  return { ...PLAN, member: { ...PLAN.member, ...change } };
}

/** What a client told of a question. */
function queued(change: Partial<Extract<Fact, { type: "queued" }>>): Moment {
  return [2_001, {
    ...{ type: "queued", member, txn, broker, handling: "asked", waiting: 1, running: 0 },
    ...change,
  }];
}

const ASKED_ABOUT: Moment[] = [...OPEN, ...ASKED_AND_COMMITTED, ...END];

/** A verdict that nobody answers. */
const UNANSWERED: Moment[] = [
  ...without(COMMITTED, COMMIT, CONFIRMED, SETTLED),
  but(COMMIT, { oneway: true }),
  but(SETTLED, { endTransaction: "sent" }),
];

/** A question that a client dropped. */
const DROPPED: Moment[] = [
  ...OPEN,
  ...[AGAIN, CHECK],
  queued({ handling: "dropped", waiting: 2 }),
  [2_100, { type: "givenUp", broker, txn }],
  ...END,
];

/** A half message that was stored with status 10, and rolled back. */
const WEAK: Moment[] = [
  ...CONNECTED,
  but(CALLED, { way: "begin" }),
  ...[HALF, STORED],
  but(STORED_REPLY, { code: 10 }),
  but(COMMIT, { state: "ROLLBACK" }),
  but(VISIBLE, { type: "rolledBack" }),
  CONFIRMED,
];

const RECOVERED: Moment[] = [
  ...CONNECTED,
  ...[CALLED, HALF, STORED],
  [120, { type: "killed", member }],
  [120, { type: "unlinked", member, link: 1, by: "fault" }],
  [200, { type: "recovering", member: "c0.1" }],
];

/** What a recovery does that settles what it is asked about. */
const SETTLES: Moment[] = [
  [250, { type: "linked", member: "c0.1", link: 2, address: hand.address, broker }],
  [2_000, { type: "stored", broker, txn, handle: newer, checks: 1, of: 0 }],
  but(CHECK, { member: "c0.1", link: 2 }),
  but(ASKED, { member: "c0.1", ran: undefined }),
  [2_003, { type: "recorded", txn, state: "ROLLBACK" }],
  [2_003, { type: "answered", member: "c0.1", txn, call: 0, returned: "ROLLBACK" }],
  but(verdict(2_004, "ROLLBACK", { fromCheck: true, link: 2 }), { member: "c0.1" }),
  [2_005, { type: "rolledBack", broker, txn, handle: newer, link: 2 }],
  [2_006, { type: "gotReply", member: "c0.1", link: 2, opaque: 3, code: 0 }],
];

const ENDS: Moment[] = [
  [12_000, { type: "unlinked", member: "c0.1", link: 2, by: "client" }],
  [12_001, { type: "closing", member: "c0.1", deadline: 0 }],
  [12_001, { type: "recovered", member: "c0.1", committed: 0, rolledBack: 1, open: 0 }],
  [12_001, { type: "closed", member: "c0.1", timers: 0, links: 0, held: 0 }],
];

const name = "p0";
const PLAIN_CALLED: Moment = [100, {
  ...{ type: "plainCalled", member, name, how: "single", timeout: 3_000 },
}];
const PLAIN_WRITTEN: Moment = [101, {
  ...{ type: "wrotePlain", member, link: 1, name, opaque: 7, oneway: false },
}];
const PLAIN_REPLY: Moment = [103, { type: "gotReply", member, link: 1, opaque: 7, code: 0 }];
const PLAIN_SETTLED: Moment = [104, { type: "plainSettled", member, name, outcome: "sent" }];
const PLAIN: Moment[] = [
  ...CONNECTED,
  ...[PLAIN_CALLED, PLAIN_WRITTEN, PLAIN_REPLY, PLAIN_SETTLED],
  ...END,
];

/** Histories close together on both sides of a rule, of what clients can do beside their main road. */
export const FEATURE_PAIRS: readonly Pair[] = [
  {
    invariant: "D2",
    what: "the listener gets another body than was sent",
    broken: [...without(ASKED_ABOUT, ASKED), but(ASKED, { isAltered: true })],
    but: "it gets the one that was sent",
    sound: ASKED_ABOUT,
  },
  {
    invariant: "H3",
    what: "more questions wait than may",
    broken: [...ASKED_ABOUT, queued({ waiting: 3 })],
    but: "as many wait as may",
    sound: [...ASKED_ABOUT, queued({ waiting: 2 })],
    plan: withMember({ checkRequestHoldMax: 2 }),
  },
  {
    invariant: "H3",
    what: "a question is dropped and there is room",
    broken: [...DROPPED, queued({ handling: "dropped", waiting: 1 })],
    but: "there is none",
    sound: DROPPED,
    plan: withMember({ checkRequestHoldMax: 2 }),
  },
  {
    invariant: "H3",
    what: "the listener is asked once more than it may be at once",
    broken: [...ASKED_ABOUT, [2_002, { ...ASKED[1], txn: "t1", call: 0 } as Fact]],
    but: "it is asked about one",
    sound: ASKED_ABOUT,
    plan: withMember({ checkConcurrency: 1 }),
  },
  {
    invariant: "S6",
    what: "a question is never answered, and was not dropped",
    broken: without(DROPPED, DROPPED.find(([, { type }]) => type === "queued")!),
    but: "it was dropped, because too many waited",
    sound: DROPPED,
    plan: withMember({ checkRequestHoldMax: 2, checkConcurrency: 1 }),
  },
  {
    invariant: "S6",
    what: "a verdict awaits an answer in a mode in which none does",
    broken: [...COMMITTED, ...END],
    but: "it is one-way",
    sound: [...UNANSWERED, ...END],
    plan: withMember({ endTransactionMode: "oneway" }),
  },
  {
    invariant: "S9",
    what: "a send that failed for certain has left a half message that was acknowledged",
    broken: [
      ...without(WEAK, WEAK.find(([, { type }]) => type === "called")!),
      CALLED,
      but(SETTLED, { outcome: "failed", endTransaction: undefined }),
      ...END,
    ],
    but: "its transaction could not begin, and was rolled back",
    sound: [...WEAK, but(SETTLED, { outcome: "failed", endTransaction: undefined }), ...END],
  },
  {
    invariant: "L3",
    what: "a recovery ends and something is still open",
    broken: [...RECOVERED, SETTLES[0]!, ...ENDS],
    but: "it has settled that",
    sound: [...RECOVERED, ...SETTLES, ...ENDS],
  },
  {
    invariant: "L3",
    what: "a recovery counts more than it has said",
    broken: [
      ...[...RECOVERED, ...SETTLES, ...ENDS.slice(0, 2)],
      but(ENDS[2]!, { committed: 1 }),
      ENDS[3]!,
    ],
    but: "it counts what it has said",
    sound: [...RECOVERED, ...SETTLES, ...ENDS],
  },
  {
    invariant: "P1",
    what: "a plain send counts as sent and nobody had stored it",
    broken: without(PLAIN, PLAIN_REPLY),
    but: "a broker had",
    sound: PLAIN,
  },
  {
    invariant: "P1",
    what: "a plain send goes out again after it was confirmed",
    broken: [...PLAIN, but([104, PLAIN_WRITTEN[1]], { opaque: 8 })],
    but: "the first was refused",
    sound: [
      ...without(PLAIN, PLAIN_REPLY, PLAIN_SETTLED),
      but(PLAIN_REPLY, { code: 2 }),
      but([104, PLAIN_WRITTEN[1]], { opaque: 8 }),
      [105, { ...PLAIN_REPLY[1], opaque: 8 } as Fact],
      [106, PLAIN_SETTLED[1]],
    ],
  },
  {
    invariant: "P1",
    what: "a plain send never settles",
    broken: without(PLAIN, PLAIN_SETTLED),
    but: "it settles at its deadline",
    sound: [
      ...without(PLAIN, PLAIN_REPLY, PLAIN_SETTLED),
      [3_100, { type: "plainSettled", member, name, outcome: "failed" }],
    ],
  },
];
