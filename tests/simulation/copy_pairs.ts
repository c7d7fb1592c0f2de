import * as hand from "./hand_made.ts";
import type { Plan, PlannedFault } from "./plan.ts";

const { AGAIN, ANSWERED, ASKED, BEGAN, CALLED, CHECK, COMMITTED, CONNECTED, END, HALF } = hand;
const { LOOK, NOT_FOUND, OPEN, PLAN, RECORDED, SETTLED, STORED, STORED_REPLY } = hand;
const { address, at, broker, but, END_ON_2, looked, member, newer, newest, old } = hand;
const { reconnected, txn, verdict } = hand;
type Moment = hand.Moment;
type Pair = hand.Pair;

/** Another member of the group, with a connection of its own. */
const other = "c1.0";
const OTHER_LINK: Moment = [500, { type: "linked", member: other, link: 3, address, broker }];

/** The other member is asked about what the first one has committed, and knows it by the database. */
const OTHER_ASKED: Moment[] = [
  ...[OTHER_LINK, AGAIN],
  but(CHECK, { member: other, link: 3 }),
  but(ASKED, { member: other, ran: undefined }),
  but(ANSWERED, { member: other }),
];

/** Another member is asked, and leaves it open. */
const LEFT_OPEN_ELSEWHERE: Moment[] = [
  ...OTHER_ASKED.slice(0, -1),
  but(OTHER_ASKED.at(-1)!, { returned: "UNKNOWN" }),
  verdict(2_004, "UNKNOWN", { fromCheck: true, member: other, link: 3, opaque: 60 }),
];

/** A local transaction takes five seconds, and another member answers the check-back meanwhile. */
const COMMITTED_ELSEWHERE: Moment[] = [
  ...[...CONNECTED, CALLED, HALF, STORED, STORED_REPLY, BEGAN, RECORDED],
  ...[...OTHER_ASKED, ...looked(2_003.2, 22, { member: other, link: 3 })],
  ...committed(2_004, 3, other),
  [5_000, { type: "localEnded", member, txn, returned: "COMMIT" }],
];

/** A commit is confirmed, and its broker is lost and back; then it asks, on connection 2. */
const RESTARTED: Moment[] = [
  ...COMMITTED,
  ...reconnected(500, 1_000),
  ...[AGAIN, but(CHECK, { link: 2 }), ASKED, ANSWERED],
];

const FOUND = looked(2_003.2, 0, { link: 2 });

/** A surplus half message that the broker drops on a connection. */
function dropped(when: number, link: number, by = member): Moment[] {
  return [
    but(verdict(when, "ROLLBACK", { fromCheck: true, link, opaque: 80 }), { member: by }),
    [when + 1, { type: "rolledBack", broker, txn, handle: newer, link }],
    [when + 2, { type: "gotReply", member: by, link, opaque: 80, code: 0 }],
  ];
}

/** A COMMIT that the broker carries out. */
function committed(when: number, link: number, by = member): Moment[] {
  return [
    but(verdict(when, "COMMIT", { fromCheck: true, link, opaque: 81 }), { member: by }),
    [when + 1, { type: "visible", broker, txn, handle: newer, link }],
    [when + 2, { type: "gotReply", member: by, link, opaque: 81, code: 0 }],
  ];
}

/** A check-back whose message is visible, answered with *unknown*. */
const LEFT_ALONE: Moment[] = [
  ...[...COMMITTED, AGAIN, CHECK, ASKED, ANSWERED, ...looked(2_003.2, 0)],
  verdict(2_004, "UNKNOWN", { fromCheck: true }),
];
const DISCARDED: Moment = [6_000, { type: "givenUp", broker, txn, handle: newer }];

/** A half message whose send was given up, so that its local transaction never runs. */
const GIVEN_UP: Moment[] = [
  ...[...CONNECTED, CALLED, HALF, STORED, STORED_REPLY],
  verdict(104, "ROLLBACK"),
  [105, { type: "rolledBack", broker, txn, handle: old, link: 1 }],
  [106, { type: "gotReply", member, link: 1, opaque: 3, code: 0 }],
];
const FAILED = but(SETTLED, { outcome: "failed", endTransaction: undefined });

const TWO_MEMBERS: Plan = { ...PLAN, slots: 2 };

function withFault(fault: PlannedFault): Plan {
  return { ...PLAN, faults: [fault] };
}

/** Histories close together on both sides of what may lead to a second copy, or to the end of one. */
export const COPY_PAIRS: readonly Pair[] = [
  {
    invariant: "D1",
    what: "another member of the group commits what the first one has committed",
    broken: [...COMMITTED, ...OTHER_ASKED, ...committed(2_004, 3, other), ...END],
    but: "it looks first, and has the surplus half message dropped",
    sound: [
      ...[...COMMITTED, ...OTHER_ASKED, ...looked(2_003.2, 0, { member: other, link: 3 })],
      ...dropped(2_004, 3, other),
      ...END,
    ],
    plan: TWO_MEMBERS,
  },
  {
    invariant: "D1",
    what: "a sender commits what another member has committed from the database",
    broken: [
      ...COMMITTED_ELSEWHERE,
      verdict(5_001, "COMMIT"),
      [5_002, { type: "visible", broker, txn, handle: old, link: 1 }],
      ...END,
    ],
    but: "it looks first, and finds it",
    sound: [...COMMITTED_ELSEWHERE, ...looked(5_000.2, 0), at(5_001, SETTLED), ...END],
    plan: TWO_MEMBERS,
  },
  {
    invariant: "D1",
    what: "a confirmed commit is given again after a restart of the broker",
    broken: [...RESTARTED, ...committed(2_004, 2), ...END_ON_2],
    but: "it is found, and the surplus half message dropped",
    sound: [...RESTARTED, ...FOUND, ...dropped(2_004, 2), ...END_ON_2],
    plan: withFault({ kind: "killBroker", at: 400, lasts: 500, broker: 0 }),
  },
  {
    invariant: "D1",
    what: "a commit does not wait for the answer to its look",
    broken: [
      ...[...RESTARTED, LOOK, ...committed(2_004, 2)],
      but(at(2_005, NOT_FOUND), { code: 0 }),
      ...END_ON_2,
    ],
    but: "the look comes to nothing, because the broker stands still",
    sound: [
      ...[...RESTARTED, LOOK, ...committed(4_004, 2)],
      but(at(4_005, NOT_FOUND), { code: 0 }),
      ...END_ON_2,
    ],
    plan: withFault({ kind: "freeze", at: 2_100, lasts: 2_000, broker: 0 }),
  },
  {
    invariant: "D1",
    what: "a commit follows a look that another member's copy came long after",
    broken: [
      ...[...OPEN, ...OTHER_ASKED, ...looked(2_003.2, 22, { member: other, link: 3 })],
      [2_100, { type: "localEnded", member, txn, returned: "COMMIT" }],
      verdict(2_100, "COMMIT"),
      [2_101, { type: "visible", broker, txn, handle: old, link: 1 }],
      ...committed(2_900, 3, other),
      ...END,
    ],
    but: "the two commits cross",
    sound: [
      ...[...OPEN, ...OTHER_ASKED, ...looked(2_003.2, 22, { member: other, link: 3 })],
      [2_004.5, { type: "visible", broker, txn, handle: old, link: 1 }],
      [2_003.2, { type: "localEnded", member, txn, returned: "COMMIT" }],
      ...looked(2_003.4, 22),
      verdict(2_004, "COMMIT"),
      ...committed(2_004, 3, other),
      ...END,
    ],
    plan: TWO_MEMBERS,
  },
  {
    invariant: "D1",
    what: "a message is visible on two brokers and none of them had failed",
    broken: [
      ...COMMITTED,
      [3_000, { type: "linked", member, link: 4, address: "10.0.1.2:10911", broker: "b1" }],
      [3_001, { type: "visible", broker: "b1", txn, handle: old, link: 4 }],
      ...END,
    ],
    but: "it is visible on one",
    sound: [...COMMITTED, ...END],
  },
  {
    invariant: "D3",
    what: "a commit in answer to a check-back leaves without a look",
    broken: [...OPEN, AGAIN, CHECK, ASKED, ANSWERED, ...committed(2_004, 1), ...END],
    but: "the look came before",
    sound: [
      ...[...OPEN, AGAIN, CHECK, ASKED, ANSWERED, ...looked(2_003.2, 22)],
      ...committed(2_004, 1),
      ...END,
    ],
  },
  {
    invariant: "D3",
    what: "a sender commits without a look after another member was asked",
    broken: [
      ...[...CONNECTED, CALLED, HALF, STORED, STORED_REPLY, BEGAN, RECORDED],
      ...LEFT_OPEN_ELSEWHERE,
      [5_000, { type: "localEnded", member, txn, returned: "COMMIT" }],
      verdict(5_001, "COMMIT"),
      [5_002, { type: "visible", broker, txn, handle: old, link: 1 }],
      ...END,
    ],
    but: "that was before its time, by a wrong clock",
    sound: [
      ...[...COMMITTED, at(103.5, AGAIN)],
      ...LEFT_OPEN_ELSEWHERE.slice(1).map((moment, index) => at(104 + index / 4, moment)),
      ...END,
    ],
    plan: {
      ...TWO_MEMBERS,
      faults: [...TWO_MEMBERS.faults, { kind: "wallJump", at: 50, slot: 0, by: 3_600_000 }],
    },
  },
  {
    invariant: "D4",
    what: "a visible message is discarded, after a check-back that was answered with unknown",
    broken: [...LEFT_ALONE, DISCARDED, ...END],
    but: "its half message was dropped in time, and the broker forgot that",
    sound: [
      ...[...COMMITTED, AGAIN, CHECK, ASKED, ANSWERED, ...looked(2_003.2, 0)],
      ...[...dropped(2_004, 1), DISCARDED],
      ...END,
    ],
  },
  {
    invariant: "S5",
    what: "a surplus half message is dropped on another connection than its message was found on",
    broken: [...RESTARTED, ...looked(400, 0), ...dropped(2_004, 2), ...END_ON_2],
    but: "it was found on the same",
    sound: [...RESTARTED, ...FOUND, ...dropped(2_004, 2), ...END_ON_2],
    plan: withFault({ kind: "killBroker", at: 400, lasts: 500, broker: 0 }),
  },
  {
    invariant: "S5",
    what: "a surplus half message is dropped because its message was found some time ago",
    broken: [
      ...[...COMMITTED, AGAIN, CHECK, ASKED, ANSWERED, ...looked(2_003.2, 0), ...dropped(2_004, 1)],
      [4_000, { type: "stored", broker, txn, handle: newest, checks: 2, of: newer.logOffset }],
      but(at(4_001, CHECK), { handle: newest }),
      verdict(4_002, "ROLLBACK", { fromCheck: true, handle: newest, opaque: 82 }),
      ...END,
    ],
    but: "it was found just now",
    sound: [
      ...[...COMMITTED, AGAIN, CHECK, ASKED, ANSWERED, ...looked(2_003.2, 0), ...dropped(2_004, 1)],
      [4_000, { type: "stored", broker, txn, handle: newest, checks: 2, of: newer.logOffset }],
      but(at(4_001, CHECK), { handle: newest }),
      ...looked(4_001.2, 0, { opaque: 71 }),
      verdict(4_002, "ROLLBACK", { fromCheck: true, handle: newest, opaque: 82 }),
      ...END,
    ],
  },
  {
    invariant: "S3",
    what: "a stored half message is rolled back although its local transaction runs",
    broken: [...GIVEN_UP, at(107, BEGAN), FAILED, ...END],
    but: "it never runs",
    sound: [...GIVEN_UP, FAILED, ...END],
  },
  {
    invariant: "S1",
    what: "a half message was dropped for a copy that the log then lost",
    broken: [
      ...[...RESTARTED, ...FOUND, ...dropped(2_004, 2)],
      [2_500, { type: "lost", broker, txn, what: "visible", logOffset: old.logOffset }],
      ...END_ON_2,
    ],
    but: "the log kept it",
    sound: [...RESTARTED, ...FOUND, ...dropped(2_004, 2), ...END_ON_2],
    plan: withFault({ kind: "killBroker", at: 400, lasts: 500, broker: 0 }),
  },
];
