import { drawPlan } from "./draw_plan.ts";
import { type Fact, History } from "./history.ts";
import { checkRun, INVARIANTS, runOf } from "./invariants/mod.ts";
import type { Plan } from "./plan.ts";
import { timesOf } from "./simulation.ts";
import { TOPIC } from "./world/context.ts";

export const member = "c0.0", broker = "b0", txn = "t0", group = "order_service";
export const old = { queueOffset: 0, logOffset: 0 }, newer = { queueOffset: 1, logOffset: 400 };

const { capacities: _capacities, hasHooks: _hasHooks, operations: _operations, ...DRAWN } =
  drawPlan(
    1,
  );

/** A quiet cluster with one broker, one client and one transaction. */
export const PLAN: Plan = {
  ...DRAWN,
  brokers: 1,
  slots: 1,
  answers: "listener",
  signs: false,
  sends: [],
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

export const address = "10.0.1.1:10911";

/** A fact and when it came to be. */
export type Moment = readonly [at: number, fact: Fact];

export const CONNECTED: Moment[] = [
  [0, { type: "dialling", member, address }],
  [1, { type: "dialled", member, address }],
  [1, { type: "linked", member, link: 1, address, broker }],
  [1, { type: "wroteOther", member, link: 1, opaque: 1, code: 34 }],
  [2, { type: "gotReply", member, link: 1, opaque: 1, code: 0 }],
  [3, { type: "started", member }],
];
export const CALLED: Moment = [100, { type: "called", member, txn, timeout: 3_000 }];
export const HALF: Moment = [101, { type: "wroteHalf", member, link: 1, txn, opaque: 2 }];
export const STORED: Moment = [102, { type: "stored", broker, txn, handle: old, checks: 0 }];
export const STORED_REPLY: Moment = [103, {
  type: "gotReply",
  member,
  link: 1,
  opaque: 2,
  code: 0,
  handle: old,
}];
export const BEGAN: Moment = [104, { type: "localBegan", member, txn }];
export const RECORDED: Moment = [108, { type: "recorded", txn, state: "COMMIT" }];
export const ENDED: Moment = [110, { type: "localEnded", member, txn, returned: "COMMIT" }];
export const VISIBLE: Moment = [112, { type: "visible", broker, txn, handle: old, link: 1 }];
export const CONFIRMED: Moment = [113, { type: "gotReply", member, link: 1, opaque: 3, code: 0 }];
export const SETTLED: Moment = [
  114,
  { type: "settled", member, txn, outcome: "sent", endTransaction: "confirmed" },
];

/** A verdict that is written. */
export function verdict(
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

export const COMMIT = verdict(111, "COMMIT");

export const COMMITTED: Moment[] = [
  ...CONNECTED,
  ...[CALLED, HALF, STORED, STORED_REPLY, BEGAN, RECORDED, ENDED, COMMIT, VISIBLE],
  ...[CONFIRMED, SETTLED],
];

export const AGAIN: Moment = [2_000, {
  ...{ type: "stored", broker, txn, handle: newer, checks: 1, of: old.logOffset },
}];
export const CHECK: Moment = [2_001, {
  type: "gotCheck",
  member,
  link: 1,
  broker,
  txn,
  handle: newer,
}];
export const ASKED: Moment = [2_002, { type: "asked", member, txn, call: 0, ran: true, takes: 1 }];
export const ANSWERED: Moment = [2_003, {
  type: "answered",
  member,
  txn,
  call: 0,
  returned: "COMMIT",
}];

/** The transaction as it is when the local transaction ended with a throw. */
export const OPEN: Moment[] = [
  ...CONNECTED,
  ...[CALLED, HALF, STORED, STORED_REPLY, BEGAN, RECORDED],
  [110, { type: "localEnded", member, txn, returned: "threw" }],
  verdict(111, "UNKNOWN"),
  [112, { type: "settled", member, txn, outcome: "sent", endTransaction: "sent" }],
];

export const END: Moment[] = [
  [40_000, { type: "closing", member, deadline: 1_000 }],
  [40_001, { type: "wroteOther", member, link: 1, opaque: 90, code: 35 }],
  [40_003, { type: "unlinked", member, link: 1, by: "client" }],
  [40_004, { type: "closed", member, timers: 0, links: 0, held: 0 }],
];

/** Names of the invariants that a history breaks. */
export function brokenBy(moments: readonly Moment[], plan: Plan = PLAN): string[] {
  const history = new History();
  [...moments].sort(([a], [b]) => a - b)
    .forEach(([at, fact], event) => history.add({ ...fact }, at, event));
  const violations = checkRun(runOf(plan, timesOf(plan), history), INVARIANTS);
  return [...new Set(violations.map(({ invariant }) => invariant))].sort();
}

/** A history with something left out. */
export function without(moments: readonly Moment[], ...left: readonly Moment[]): Moment[] {
  return moments.filter((moment) => !left.includes(moment));
}

/** The place of the record that is put back second. */
export const newest = { queueOffset: 2, logOffset: 800 };

/** The same fact later, or earlier. */
export function at(when: number, [, fact]: Moment): Moment {
  return [when, fact];
}

/** A fact with something changed. */
export function but([when, fact]: Moment, change: Record<string, unknown>): Moment {
  return [when, { ...fact, ...change } as Fact];
}

/** What is told of a connection that breaks, and of the next one. */
export function reconnected(lost: number, back: number): Moment[] {
  return [
    [lost, { type: "unlinked", member, link: 1, by: "fault" }],
    [back, { type: "dialling", member, address }],
    [back + 1, { type: "dialled", member, address }],
    [back + 1, { type: "linked", member, link: 2, address, broker }],
    [back + 1, { type: "wroteOther", member, link: 2, opaque: 1, code: 34 }],
    [back + 2, { type: "gotReply", member, link: 2, opaque: 1, code: 0 }],
  ];
}

/** The end of a client whose connection was made again. */
export const END_ON_2: Moment[] = END.map((moment) =>
  "link" in moment[1] ? but(moment, { link: 2 }) : moment
);

/** A look at whether a message is visible, and its answer: code 22 when it is not there. */
export function looked(
  when: number,
  code: 0 | 22,
  change: { member?: string; link?: number; opaque?: number } = {},
): [Moment, Moment] {
  const facts = { member, link: 1, opaque: 70, ...change };
  return [
    [when, { type: "wroteOther", ...facts, code: 12, txn, topic: TOPIC }],
    [when + 0.4, { type: "gotReply", ...facts, code }],
  ];
}

/** A question that the listener answers with COMMIT, which makes the message visible. */
export const ASKED_AND_COMMITTED: Moment[] = [
  ...[AGAIN, CHECK, ASKED, ANSWERED],
  ...looked(2_003.2, 22),
  verdict(2_004, "COMMIT", { fromCheck: true, opaque: 5 }),
  [2_005, { type: "visible", broker, txn, handle: newer, link: 1 }],
];

/** A look at whether a commit was carried out. */
export const LOOK: Moment = [2_002, {
  type: "wroteOther",
  member,
  link: 2,
  opaque: 7,
  code: 12,
  txn,
  topic: TOPIC,
}];
export const NOT_FOUND: Moment = [2_003, {
  type: "gotReply",
  member,
  link: 2,
  opaque: 7,
  code: 22,
}];
/** A commit in answer to a question on the second connection. */
export const COMMITTED_AGAIN: Moment[] = [
  verdict(2_010, "COMMIT", { fromCheck: true, link: 2, opaque: 8 }),
  [2_011, { type: "visible", broker, txn, handle: newer, link: 2 }],
];

/** A history that an invariant forbids, and the next to it that it allows. */
export interface Pair {
  /** The invariant. */
  readonly invariant: string;
  /** What must not be. */
  readonly what: string;
  readonly broken: readonly Moment[];
  /** What may be. It breaks no invariant at all. */
  readonly but: string;
  readonly sound: readonly Moment[];
  /** The plan of both. */
  readonly plan?: Plan;
}
