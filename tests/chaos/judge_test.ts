import { assert, assertEquals, assertMatch } from "@std/assert";
import { encodeStoredMessage } from "../../src/message/mod.ts";
import { readArguments } from "./arguments.ts";
import type { DoneFault } from "./fault_injector.ts";
import type { Entry, Row } from "./journal.ts";
import {
  COPIES_PER_FREEZE,
  COPIES_PER_RUN,
  type Evidence,
  expectationsOf,
  findViolations,
} from "./judge.ts";
import { createReport, formatReport } from "./report.ts";
import { recordsIn, type Seen } from "./witness.ts";

const FAULT: DoneFault = {
  ...{ kind: "kill", target: "broker-a", isCutting: true },
  ...{ from: 2_000, to: 8_000, openAt: 7_000 },
};

function row(index: number, truth: Row["truth"], isFenced = false): Row {
  return { transactionId: `t${index}`, index, truth, sum: 100 + index, isFenced };
}

function seen(index: number, changes: Partial<Seen> = {}): Seen {
  const transactionId = `t${index}`;
  return { transactionId, key: String(index), sum: 100 + index, storedAt: 3_000, ...changes };
}

/** What a producer writes down about a message that it sends, and whose verdict is confirmed. */
function story(index: number, state: "COMMIT" | "ROLLBACK", at = 1_000): Entry[] {
  const transactionId = `t${index}`, brokerName = "broker-a";
  return [
    { type: "ran", at, transactionId, index, brokerName },
    { type: "said", at, transactionId, state },
    { type: "verdict", at, transactionId, state, outcome: "confirmed", brokerName },
    { type: "sent", at, transactionId, index },
  ];
}

/** Two commits and a rollback, as they should be. */
function goodRun(): Evidence & { rows: Row[]; entries: Entry[]; visible: Seen[] } {
  return {
    rows: [row(0, "COMMIT"), row(1, "COMMIT"), row(2, "ROLLBACK")],
    entries: [...story(0, "COMMIT"), ...story(1, "COMMIT"), ...story(2, "ROLLBACK")],
    visible: [seen(0), seen(1)],
    ...{ discarded: [], faults: [], problems: [] },
  };
}

Deno.test("chaos - a run in which all is well has no violations", () => {
  const report = createReport(goodRun());

  assertEquals(report.violations, []);
  assertEquals([report.sent, report.visible, report.expected], [3, 2, 2]);
  assertEquals(report.settledAfter, 2_000);
});

Deno.test("chaos - a committed message that nobody sees is lost", () => {
  const run = goodRun();
  run.visible.pop();

  assertEquals(findViolations(run).lost, ["t1"]);
  assertEquals(createReport(run).violations, ["lost 1: t1"]);
});

/** A master was killed that had stored `t0` to `t2`, and its promoted slave had some of them. */
function lag(...survived: string[]): DoneFault {
  return {
    ...{ kind: "lag", target: "broker-a", isCutting: true, from: 2_000, to: 20_000 },
    ...{ killedAt: 6_000, openAt: 9_000, halves: { stored: ["t0", "t1", "t2"], survived } },
  };
}

Deno.test("chaos - what a promoted slave lacks of its master is named, as the broker's loss", () => {
  const run = { ...goodRun(), faults: [lag("t0")], visible: [seen(0)] };

  const { lost, notReplicated } = findViolations(run);
  assertEquals([lost, notReplicated], [[], ["t1"]], "t2 was rolled back");
  const report = createReport(run);
  assertEquals([report.lost, report.notReplicated, report.violations], [0, ["t1"], []]);
  assertMatch(formatReport(report), /\nlost +0\nnot replicated +1, the broker's loss: t1 /);
});

Deno.test("chaos - a promoted slave excuses no loss of what it has, or its master never had", () => {
  const lossOf = (index: number, ...faults: DoneFault[]) => {
    const run = goodRun();
    if (index === 3) {
      run.rows.push(row(3, "COMMIT"));
      run.entries.push(...story(3, "COMMIT", 5_900));
    } else run.visible = run.visible.filter(({ key }) => key !== String(index));
    const { lost, notReplicated } = findViolations({ ...run, faults });
    return [lost, notReplicated];
  };
  assertEquals(lossOf(1, lag("t0", "t1")), [["t1"], []], "its half message survived");
  assertEquals(lossOf(3, lag("t0")), [["t3"], []], "said to be confirmed, and never stored");
  assertEquals(lossOf(1, { ...lag(), kind: "failover", halves: undefined! }), [["t1"], []]);
  assertEquals(lossOf(1, { ...FAULT, to: 20_000 }), [["t1"], []], "the log of a restart is whole");
  assertEquals(lossOf(1, lag("t0", "t1"), lag("t0")), [[], ["t1"]], "it went in the second one");
});

Deno.test("chaos - a half message that was not replicated, and is visible, is not lost to anybody", () => {
  const run = { ...goodRun(), faults: [lag()] };

  assertEquals(findViolations(run).notReplicated, []);
});

Deno.test("chaos - the log of a killed broker is read up to where it was filled", () => {
  const messages = ["t0", "t1"].map((id) =>
    encodeStoredMessage({ topic: "Orders", body: new Uint8Array(9), properties: { UNIQ_KEY: id } })
  );
  const file = new Uint8Array(4_096);
  file.set(messages[0]!);
  file.set(messages[1]!, messages[0]!.length);

  assertEquals([...recordsIn(file)], messages);
  assertEquals([...recordsIn(messages[0]!)], messages.slice(0, 1));
});

Deno.test("chaos - a visible message that no listener committed is a phantom", () => {
  const run = goodRun();
  run.visible.push(seen(2), seen(77));

  assertEquals(findViolations(run).phantom, ["t2", "t77"]);
  assertEquals(createReport(run).violations, ["phantom 2: t2, t77"]);
});

Deno.test("chaos - another body, or another key, is corrupt", () => {
  const run = goodRun();
  run.visible = [seen(0, { sum: 7 }), seen(1, { key: "0" })];

  assertEquals(findViolations(run).corrupt, ["t0", "t1"]);
  assertEquals(createReport(run).violations, ["corrupt 2: t0, t1"]);
});

/** COMMITs of a transaction, by the times at which they left. */
function commits(index: number, ...times: number[]): Entry[] {
  return times.map((at) => ({
    ...{ type: "end", at, transactionId: `t${index}` },
    commitOrRollback: 8,
  }));
}

Deno.test("chaos - a second copy is one too many without a fault, and a few are excused with one", () => {
  const run = goodRun();
  run.entries.push(...commits(1, 1_000, 9_000));
  run.visible.push(seen(1, { storedAt: 9_100 }));

  assertEquals(findViolations(run).extraCopies, [{ transactionId: "t1", cause: "preventable" }]);
  assertEquals(createReport(run).violations, ["extra copies 1, not 0: t1"]);
  assertEquals(createReport({ ...run, faults: [FAULT] }).violations, []);
  assertEquals(createReport(run, { canLookUp: false, checksOnlyUndecided: false }).violations, []);

  run.visible.push(...Array.from({ length: COPIES_PER_RUN }, () => seen(0)));
  const [violation, ...more] = createReport({ ...run, faults: [FAULT] }).violations;
  assertMatch(violation!, /^extra copies 6, not 5: t0, t0/);
  assertEquals(more, []);
});

Deno.test("chaos - a copy is preventable when its commit left after another copy could be found", () => {
  const causeOf = (
    { left, stored, indexed }: { left: number[]; stored: number[]; indexed?: number[] },
  ) => {
    const run = goodRun();
    run.entries.push(...commits(1, ...left));
    run.visible = stored.map((storedAt) => seen(1, { storedAt }));
    const known = indexed && { t1: indexed };
    return findViolations({ ...run, ...known && { indexed: known } }).extraCopies
      .map(({ cause }) => cause);
  };
  assertEquals(causeOf({ left: [1_000, 5_000], stored: [1_010, 5_010] }), ["preventable"]);
  // The first one lay in a broker that was frozen when the second one left.
  assertEquals(causeOf({ left: [1_000, 5_000], stored: [9_000, 9_005] }), ["underWay"]);
  assertEquals(
    causeOf({ left: [1_000, 5_000, 20_000], stored: [9_000, 9_005, 20_010] }),
    ["underWay", "preventable"],
  );
  // The broker died before the first copy got into its index.
  const died = { left: [1_000, 5_000], stored: [1_010, 5_010] };
  assertEquals(causeOf({ ...died, indexed: [5_010] }), ["notIndexed"]);
  assertEquals(causeOf({ ...died, indexed: [1_010, 5_010] }), ["preventable"]);
});

Deno.test("chaos - a freeze excuses what was under way, and nothing that could be prevented", () => {
  const freeze: DoneFault = { ...FAULT, kind: "freeze", isCutting: false };
  const run = { ...goodRun(), faults: [freeze] };
  const copies = COPIES_PER_RUN + 1;
  run.visible.push(...Array.from({ length: copies }, () => seen(1, { storedAt: 9_000 })));

  run.entries.push(...commits(1, ...Array(copies + 1).fill(1_000)));
  assertEquals(createReport(run).violations, []);
  run.visible.push(...Array.from({ length: COPIES_PER_FREEZE }, () => seen(0)));
  run.entries.push(...commits(0, ...Array(COPIES_PER_FREEZE + 1).fill(1_000)));
  assertMatch(createReport(run).violations[0]!, /^extra copies 26, not 20/);

  const late = { ...goodRun(), faults: [freeze] };
  late.visible.push(...Array.from({ length: copies }, () => seen(1, { storedAt: 9_000 })));
  late.entries.push(...commits(1, 1_000, ...Array(copies).fill(8_900)));
  assertEquals(createReport(late).violations, [`preventable copies ${copies}, not 5`]);
});

Deno.test("chaos - faults that neither end connections nor forget anything excuse no copy", () => {
  const run = goodRun();
  run.visible.push(seen(1));
  for (const kind of ["nameserver", "producer", "pause"] as const) {
    const faults = [{ kind, target: "it", isCutting: false, from: 1, to: 2 }];
    assertEquals(createReport({ ...run, faults }).violations, ["extra copies 1, not 0: t1"]);
  }
});

Deno.test("chaos - one that a broker discarded is wrong, whether its message is visible or not", () => {
  const run = { ...goodRun(), discarded: ["t2", "t2"], faults: [FAULT] };
  assertEquals(findViolations(run).discarded, ["t2"]);
  assertEquals(createReport(run).violations, ["discarded 1: t2"]);

  const visible = { ...goodRun(), discarded: ["t0"], faults: [FAULT] };
  const report = createReport(visible);
  assertEquals([report.discarded, report.wronglyDiscarded], [0, 1]);
  assertEquals(report.violations, ["wronglyDiscarded 1: t0"]);
  const behindProxy = { canLookUp: false, checksOnlyUndecided: false };
  assertEquals(createReport(visible, behindProxy).violations, []);
});

Deno.test("chaos - what a run promises follows from its options", () => {
  const promises = (...args: string[]) => {
    const { canLookUp, checksOnlyUndecided } = expectationsOf(readArguments(args));
    return [canLookUp, checksOnlyUndecided];
  };
  assertEquals(promises(), [true, true]);
  assertEquals(promises("--op-batch", "3000"), [true, false]);
  assertEquals(promises("--local-ms", "8000"), [true, false]);
  assertEquals(promises("--check-ms", "4000"), [true, false]);
  assertEquals(promises("--faults", "none", "--broker", "proxy"), [false, false]);
});

Deno.test("chaos - a local transaction that ran twice is found, by its id and by its message", () => {
  const run = goodRun();
  run.entries.push({ ...story(0, "COMMIT")[0]!, at: 1_500 });
  run.rows.push({ ...row(1, "ROLLBACK"), transactionId: "t1-again" });

  assertEquals(findViolations(run).ranTwice, ["t0", "message 1"]);
  assertEquals(createReport(run).violations, ["ranTwice 2: t0, message 1"]);
});

Deno.test("chaos - a message that was tried again after its first send was fenced ran once", () => {
  const run = goodRun();
  run.rows.unshift({ ...row(2, "ROLLBACK", true), transactionId: "t2-before" });

  assertEquals(createReport(run).violations, []);
});

Deno.test("chaos - a question about a decided message is wrong only without a fault", () => {
  const run = goodRun();
  run.entries.push({
    ...{ type: "check", at: 4_000, transactionId: "t0" },
    ...{ handling: "asked", isDecided: true },
  });

  const expected = ["checked back about decided messages without a fault: t0"];
  assertEquals(createReport(run).violations, expected);
  const report = createReport({ ...run, faults: [FAULT] });
  assertEquals([report.checkBacksOfDecided, report.violations], [1, []]);
});

Deno.test("chaos - a call beyond its deadline is late, unless the machine was", () => {
  const run = goodRun();
  run.entries.push({ type: "late", at: 5_000, what: "send", by: 90, lag: 0 });
  run.entries.push({ type: "late", at: 5_000, what: "verdict", by: 900, lag: 850 });
  assertEquals(createReport(run).violations, []);
  assertEquals(createReport(run).longestOverrun, 90);

  run.entries.push({ type: "late", at: 6_000, what: "send", by: 500, lag: 300 });
  assertEquals(createReport(run).violations, ["calls beyond their deadline: 1"]);
});

Deno.test("chaos - a message that could not be sent for long is a violation, unless servers were away", () => {
  const run = goodRun();
  run.entries.push({ type: "notSent", at: 70_000, index: 7 });
  assertEquals(createReport(run).violations, ["not sent 1"]);
  const pause: DoneFault = { ...FAULT, kind: "pause", isCutting: false };
  assertEquals(createReport({ ...run, faults: [pause] }).violations, ["not sent 1"]);
  assertEquals(createReport({ ...run, faults: [FAULT] }).violations, []);
});

Deno.test("chaos - a producer that ends badly is a violation", () => {
  const problems = ["A producer ended with 1: Uncaught (in promise)"];
  assertEquals(createReport({ ...goodRun(), problems }).violations, problems);
});

Deno.test("chaos - recovery is from the opening of the port to the first half message stored", () => {
  const run = { ...goodRun(), faults: [FAULT] };
  run.entries.push(...story(3, "ROLLBACK", 6_900), ...story(4, "ROLLBACK", 8_500));

  assertEquals(createReport(run).recovery, { median: 1_500, worst: 1_500, count: 1 });
  const again: DoneFault = {
    ...{ kind: "freeze", target: "broker-a", isCutting: false },
    ...{ from: 8_100, to: 9_000 },
  };
  assertEquals(createReport({ ...run, faults: [FAULT, again] }).recovery, undefined);
  const producer = { ...again, kind: "producer", target: "the producer" } as const;
  assertEquals(createReport({ ...run, faults: [FAULT, producer] }).recovery, undefined);
  const elsewhere = { ...again, target: "broker-b" };
  assertEquals(createReport({ ...run, faults: [FAULT, elsewhere] }).recovery?.worst, 1_500);
});

Deno.test("chaos - a frozen broker is noticed when a call is rejected, and when it is given up", () => {
  const freeze = { ...FAULT, kind: "freeze", isCutting: false } as const;
  const run = { ...goodRun(), faults: [freeze] };
  run.entries.push(
    { ...failure(1_900), reason: "before" },
    { ...failure(5_000), reason: "timeout" },
    { type: "connection", at: 5_200, brokerName: "broker-b", isUp: false },
    { type: "connection", at: 5_500, brokerName: "broker-a", isUp: false },
  );
  assertEquals(createReport(run).frozen, [], "the sends were over soon");
  run.entries.push(...story(3, "ROLLBACK", 9_000));

  assertEquals(createReport(run).frozen, [{ rejectedAfter: 3_000, lostAfter: 3_500 }]);
});

Deno.test("chaos - the report has every figure and every violation", () => {
  const run = goodRun();
  run.visible.pop();
  const text = formatReport(createReport({ ...run, faults: [FAULT] }));

  assertMatch(text, /^faults +kill 1\n/);
  assertMatch(text, /\nvisible \/ expected +1 \/ 2\nlost +1\nphantom +0\ncorrupt +0\n/);
  assert(text.endsWith("\nVIOLATION: lost 1: t1"), text);
});

function failure(at: number): Extract<Entry, { type: "failed" }> {
  const brokerName = "broker-a";
  return { type: "failed", at, index: 9, outcome: "indeterminate", brokerName, reason: "" };
}
