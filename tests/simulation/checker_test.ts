import { assert, assertEquals } from "@std/assert";
import * as hand from "./hand_made.ts";
import type { Fact } from "./history.ts";
import { INVARIANTS } from "./invariants/mod.ts";
import type { Plan } from "./plan.ts";
import { USE_PAIRS } from "./use_pairs.ts";
import { COPY_PAIRS } from "./copy_pairs.ts";
import { FEATURE_PAIRS } from "./feature_pairs.ts";
import { OUTCOME_PAIRS } from "./outcome_pairs.ts";
import { OTHER_PAIRS } from "./other_pairs.ts";
import { SAFETY_PAIRS } from "./safety_pairs.ts";

const { AGAIN, ANSWERED, ASKED, BEGAN, CALLED, CHECK, COMMIT, COMMITTED, CONFIRMED } = hand;
const { CONNECTED, END, ENDED, HALF, OPEN, PLAN, RECORDED, SETTLED, STORED_REPLY, VISIBLE } = hand;
const { address, broker, brokenBy, looked, member, newer, txn, verdict, without } = hand;
type Moment = hand.Moment;
Deno.test("checker - a history in which all went well breaks nothing", () => {
  assertEquals(brokenBy([...COMMITTED, ...END]), []);
  const answered = [
    ...[...OPEN, AGAIN, CHECK, ASKED, ANSWERED, ...looked(2_003.2, 22)],
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
    [
      ...without(COMMITTED, COMMIT),
      ...[[108, AGAIN[1]] as Moment, [109, CHECK[1]] as Moment],
      verdict(111, "COMMIT"),
      ...END,
    ],
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

for (
  const { invariant, what, broken, but, sound, plan } of [
    ...SAFETY_PAIRS,
    ...COPY_PAIRS,
    ...USE_PAIRS,
    ...OUTCOME_PAIRS,
    ...OTHER_PAIRS,
    ...FEATURE_PAIRS,
  ]
) {
  Deno.test(`checker - ${invariant} is broken when ${what}, not when ${but}`, () => {
    const names = brokenBy(broken, plan);
    assert(names.includes(invariant), `broken: ${names.join(", ") || "nothing"}`);
    assertEquals(brokenBy(sound, plan), []);
  });
}

Deno.test("checker - every invariant has a history that breaks it, and its text", () => {
  const covered = new Set([
    ...Object.values(FORBIDDEN).map(([invariant]) => invariant),
    ...[...COPY_PAIRS, ...USE_PAIRS, ...FEATURE_PAIRS].map(({ invariant }) => invariant),
  ]);
  assertEquals(INVARIANTS.filter(({ name }) => !covered.has(name)), []);
  assertEquals(INVARIANTS.filter(({ text }) => text.length < 40), []);
});
