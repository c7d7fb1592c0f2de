import { assert, assertEquals } from "@std/assert";
import { drawPlan } from "./draw_plan.ts";
import { type Fact, History } from "./history.ts";
import { checkRun, INVARIANTS } from "./invariants/mod.ts";
import type { Plan } from "./plan.ts";
import { timesOf } from "./simulation.ts";

const member = "c0.0", broker = "b0", txn = "t0", group = "order_service";
const old = { queueOffset: 0, logOffset: 0 }, newer = { queueOffset: 1, logOffset: 400 };

/** A quiet cluster with one broker, one client and one transaction. */
const PLAN: Plan = {
  ...drawPlan(1),
  brokers: 1,
  slots: 1,
  broker: { timeout: 1_000, interval: 2_000, maxChecks: 15, markInterval: 200 },
  member: { checkTimeout: 1_500, heartbeatInterval: 5_000, routePollInterval: 5_000 },
  transactions: [{
    name: txn,
    at: 100,
    slot: 0,
    timeout: 3_000,
    local: { decision: "COMMIT", takes: 10, recordedAfter: 0.5, ends: "decision" },
    checks: [],
    undecided: false,
  }],
  faults: [],
};

const address = "10.0.1.1:10911";

/** A fact and when it came to be. */
type Moment = readonly [at: number, fact: Fact];

const CONNECTED: Moment[] = [
  [0, { type: "dialling", member, address }],
  [1, { type: "dialled", member, address }],
  [1, { type: "linked", member, link: 1, address, broker }],
  [1, { type: "wroteOther", member, link: 1, opaque: 1, code: 34 }],
  [2, { type: "gotReply", member, link: 1, opaque: 1, code: 0 }],
  [3, { type: "started", member }],
];
const CALLED: Moment = [100, { type: "called", member, txn, timeout: 3_000 }];
const HALF: Moment = [101, { type: "wroteHalf", member, link: 1, txn, opaque: 2 }];
const STORED: Moment = [102, { type: "stored", broker, txn, handle: old, checks: 0 }];
const STORED_REPLY: Moment = [103, { type: "gotReply", member, link: 1, opaque: 2, code: 0 }];
const BEGAN: Moment = [104, { type: "localBegan", member, txn }];
const RECORDED: Moment = [108, { type: "recorded", txn, state: "COMMIT" }];
const ENDED: Moment = [110, { type: "localEnded", member, txn, returned: "COMMIT" }];
const VISIBLE: Moment = [112, { type: "visible", broker, txn, handle: old, link: 1 }];
const CONFIRMED: Moment = [113, { type: "gotReply", member, link: 1, opaque: 3, code: 0 }];
const SETTLED: Moment = [
  114,
  { type: "settled", member, txn, outcome: "sent", endTransaction: "confirmed" },
];

function verdict(
  at: number,
  state: "COMMIT" | "ROLLBACK" | "UNKNOWN",
  change: Partial<Extract<Fact, { type: "wroteVerdict" }>> = {},
): Moment {
  const oneway = state === "UNKNOWN", handle = change.fromCheck ? newer : old;
  return [at, {
    ...{ type: "wroteVerdict", member, link: 1, broker, txn, opaque: 3, state, handle },
    ...{ fromCheck: false, oneway, group, ...change },
  }];
}

const COMMIT = verdict(111, "COMMIT");

const COMMITTED: Moment[] = [
  ...CONNECTED,
  ...[CALLED, HALF, STORED, STORED_REPLY, BEGAN, RECORDED, ENDED, COMMIT, VISIBLE],
  ...[CONFIRMED, SETTLED],
];

const AGAIN: Moment = [2_000, { type: "stored", broker, txn, handle: newer, checks: 1 }];
const CHECK: Moment = [2_001, { type: "gotCheck", member, link: 1, broker, txn, handle: newer }];
const ASKED: Moment = [2_002, { type: "asked", member, txn, call: 0, ran: true, takes: 1 }];
const ANSWERED: Moment = [2_003, { type: "answered", member, txn, call: 0, returned: "COMMIT" }];

/** The transaction as it is when the local transaction ended with a throw. */
const OPEN: Moment[] = [
  ...CONNECTED,
  ...[CALLED, HALF, STORED, STORED_REPLY, BEGAN, RECORDED],
  [110, { type: "localEnded", member, txn, returned: "threw" }],
  verdict(111, "UNKNOWN"),
  [112, { type: "settled", member, txn, outcome: "sent", endTransaction: "sent" }],
];

const END: Moment[] = [
  [40_000, { type: "closing", member, deadline: 1_000 }],
  [40_001, { type: "wroteOther", member, link: 1, opaque: 90, code: 35 }],
  [40_003, { type: "unlinked", member, link: 1, by: "client" }],
  [40_004, { type: "closed", member, timers: 0, links: 0, held: 0 }],
];

/** Names of the invariants that a history breaks. */
function brokenBy(moments: readonly Moment[], plan: Plan = PLAN): string[] {
  const history = new History();
  [...moments].sort(([a], [b]) => a - b)
    .forEach(([at, fact], event) => history.add({ ...fact }, at, event));
  const violations = checkRun(plan, timesOf(plan), history, INVARIANTS);
  return [...new Set(violations.map(({ invariant }) => invariant))].sort();
}

function without(moments: readonly Moment[], ...left: readonly Moment[]): Moment[] {
  return moments.filter((moment) => !left.includes(moment));
}

Deno.test("checker - a history in which all went well breaks nothing", () => {
  assertEquals(brokenBy([...COMMITTED, ...END]), []);
  const answered = [
    ...[...OPEN, AGAIN, CHECK, ASKED, ANSWERED],
    verdict(2_004, "COMMIT", { fromCheck: true }),
    [2_005, { type: "visible", broker, txn, handle: newer, link: 1 }] as Moment,
    ...END,
  ];
  assertEquals(brokenBy(answered), []);
});

/** Histories that must not be, each with an invariant that forbids it. */
const FORBIDDEN: Record<string, readonly [invariant: string, moments: Moment[], plan?: Plan]> = {
  "a commit that the broker asked about is never made visible": [
    "S1",
    [...OPEN, AGAIN, CHECK, ASKED, ANSWERED, ...END],
  ],
  "a question does not reach a client that is connected": ["S1", [
    ...without(COMMITTED, COMMIT, VISIBLE, CONFIRMED),
    [20_000, { type: "stored", broker, txn, handle: newer, checks: 1 }],
    ...END,
  ]],
  "a message becomes visible that no listener had committed": [
    "S2",
    [...without(COMMITTED, ENDED), ...END],
  ],
  "a client commits what its listener did not": ["S3", [...without(COMMITTED, ENDED), ...END]],
  "the local transaction runs without an answer": [
    "S4",
    [...without(COMMITTED, STORED_REPLY), ...END],
  ],
  "the local transaction runs twice": [
    "S4",
    [...COMMITTED, [106, { type: "localBegan", member, txn }], ...END],
  ],
  "the local transaction runs after its send has settled": [
    "S4",
    [...without(COMMITTED, BEGAN), [115, { type: "localBegan", member, txn }], ...END],
  ],
  "a rollback follows a commit": [
    "S5",
    [...COMMITTED, AGAIN, CHECK, verdict(2_004, "ROLLBACK", { fromCheck: true }), ...END],
  ],
  "a question is never answered": ["S6", [...OPEN, AGAIN, CHECK, ...END]],
  "a question is answered twice": ["S6", [
    ...COMMITTED,
    ...[AGAIN, CHECK],
    verdict(2_004, "UNKNOWN", { fromCheck: true }),
    verdict(2_005, "UNKNOWN", { fromCheck: true }),
    ...END,
  ]],
  "a verdict is sent for another group": [
    "S6",
    [...without(COMMITTED, COMMIT), verdict(111, "COMMIT", { group: "other" }), ...END],
  ],
  "a verdict names old offsets": [
    "S7",
    [...without(COMMITTED, COMMIT), [109, CHECK[1]], verdict(111, "COMMIT"), ...END],
  ],
  "the listener is asked while the local transaction runs": [
    "S7",
    [...COMMITTED, [107, ASKED[1]], ...END],
  ],
  "what is undecided for ever becomes visible": [
    "S8",
    [...COMMITTED, ...END],
    { ...PLAN, transactions: [{ ...PLAN.transactions[0]!, undecided: true }] },
  ],
  "a send never settles": ["S9", [...without(COMMITTED, SETTLED), ...END]],
  "a send that failed for certain has left a half message": ["S9", [
    ...without(COMMITTED, SETTLED, BEGAN, ENDED, COMMIT, VISIBLE, CONFIRMED, RECORDED),
    [3_000, { type: "settled", member, txn, outcome: "failed" }],
    ...END,
  ]],
  "a half message is written twice": [
    "S10",
    [...COMMITTED, [102, { ...HALF[1], opaque: 9 } as Fact], ...END],
  ],
  "a commit is repeated blindly": [
    "S10",
    [...without(COMMITTED, CONFIRMED), verdict(112, "COMMIT", { opaque: 4 }), ...END],
  ],
  "a verdict has the offsets of something else": ["S11", [
    ...without(COMMITTED, COMMIT),
    verdict(111, "COMMIT", { handle: { queueOffset: 7, logOffset: 7 } }),
    ...END,
  ]],
  "a verdict counts as confirmed and was not": ["S11", [...without(COMMITTED, CONFIRMED), ...END]],
  "a confirmed commit is made again on the same connection": ["D1", [
    ...COMMITTED,
    ...[AGAIN, CHECK],
    verdict(2_004, "COMMIT", { fromCheck: true, opaque: 5 }),
    [2_005, { type: "visible", broker, txn, handle: newer, link: 1 }],
    ...END,
  ]],
  "a connection does not come back": [
    "L1",
    [
      ...COMMITTED,
      [500, { type: "unlinked", member, link: 1, by: "fault" }],
      ...without(END, END[2]!),
    ],
  ],
  "a decision does not reach the broker": [
    "L1",
    [...without(COMMITTED, VISIBLE, COMMIT, CONFIRMED), ...END],
  ],
  "a send takes longer than its time": ["L1", [
    ...CONNECTED,
    ...[CALLED, HALF],
    [9_000, { type: "settled", member, txn, outcome: "indeterminate" }],
    ...END,
  ]],
  "two dials of one address are under way": [
    "L2",
    [...COMMITTED, [0.5, { type: "dialling", member, address }], ...END],
  ],
  "an address is dialled without end": ["L2", [
    ...COMMITTED,
    ...Array.from({ length: 40 }, (_, i): Moment[] => [
      [5_000 + 10 * i, { type: "dialling", member, address }],
      [5_001 + 10 * i, { type: "dialFailed", member, address }],
    ]).flat(),
    ...END,
  ]],
  "a timer is left behind": [
    "H1",
    [...COMMITTED, ...END.slice(0, 3), [40_004, {
      ...{ type: "closed", member, timers: 1, links: 0, held: 0 },
    }]],
  ],
  "no leave is taken": ["H1", [...COMMITTED, ...without(END, END[1]!)]],
  "a shutdown does not end": ["H1", [...COMMITTED, ...END.slice(0, 2)]],
  "an error is caught by nobody": [
    "H2",
    [...COMMITTED, [200, { type: "unhandled", member, error: "Error: oops" }], ...END],
  ],
};

for (const [what, [invariant, moments, plan]] of Object.entries(FORBIDDEN)) {
  Deno.test(`checker - ${invariant} is broken when ${what}`, () => {
    const broken = brokenBy(moments, plan);
    assert(broken.includes(invariant), `broken: ${broken.join(", ") || "nothing"}`);
  });
}

Deno.test("checker - every invariant has a history that breaks it, and its text", () => {
  const covered = new Set(Object.values(FORBIDDEN).map(([invariant]) => invariant));
  assertEquals(INVARIANTS.filter(({ name }) => !covered.has(name)), []);
  assertEquals(INVARIANTS.filter(({ text }) => text.length < 40), []);
});
