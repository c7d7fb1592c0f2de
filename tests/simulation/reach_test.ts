import { assertGreater } from "@std/assert";
import { drawPlan } from "./draw_plan.ts";
import type { History, Recorded } from "./history.ts";
import type { Plan } from "./plan.ts";
import { simulate } from "./simulation.ts";

/** Seeds that are looked at. */
const SEEDS = { from: 1, count: 300 };

/** What a fact shows that a feature or a fault had an effect. */
function signsIn(fact: Recorded, { member, answers, signs }: Plan): string[] {
  switch (fact.type) {
    case "fault":
      return [fact.kind.replace(/^(kill|close) at .*/, "$1 at an event")];
    case "gotReply":
      return [`reply ${fact.code}`, ...(signs ? ["signed request taken"] : [])];
    case "called":
      return [fact.way ?? "listener"];
    case "stored":
      return fact.isImmune ? ["put back for its immunity"] : [];
    case "wroteVerdict":
      return fact.oneway && fact.state !== "UNKNOWN" ? ["one-way verdict"] : [];
    case "asked":
      return [
        `asked by ${answers}`,
        ...(member.compression === undefined ? [] : [`asked with ${member.compression}`]),
      ];
    case "queued":
      return [fact.handling, ...(fact.waiting === member.checkRequestHoldMax ? ["full"] : [])];
    case "recovered":
      return [
        "recovered",
        ...(fact.committed + fact.rolledBack > 0 ? ["settled by recovery"] : []),
      ];
    case "plainSettled":
      return [`plain ${fact.outcome}`];
    case "plainStored":
      return [fact.count > 1 ? "batch stored" : "plain stored"];
    case "misused":
      return ["no state was the answer"];
    case "hook":
      return [`hook around ${fact.around}`];
    case "inspected":
      return [`inspected ${fact.state}`];
    case "resumed":
      return ["resumed"];
    case "expired":
      return ["expired"];
    default:
      return [];
  }
}

/** Half messages that were put back to be asked about, and nobody got the question. */
function asksInVain(history: History): string[] {
  const got = new Set(history.of("gotCheck").map(({ handle }) => handle.logOffset));
  return history.of("stored").filter(({ checks, isImmune, handle }) =>
    checks > 0 && !isImmune && !got.has(handle.logOffset)
  ).map(() => "put back in vain");
}

/** What has to happen in so many seeds. Codes: busy, unknown half, slave, too late for its immunity. */
const WANTED = [
  ...["reply 1", "reply 2", "reply 11", "reply 604", "put back for its immunity"],
  "put back in vain",
  ...["one-way verdict", "begin", "callback", "asked by loop", "asked by parallelLoop"],
  ...["asked with ZLIB", "asked with LZ4", "asked with ZSTD", "signed request taken"],
  ...["asked", "joined", "dropped", "full", "recovered", "settled by recovery"],
  ...["plain sent", "plain failed", "plain stored", "batch stored"],
  ...["no state was the answer", "hook around send", "hook around verdict", "untrueSuccess"],
  ...["inspected committed", "inspected givenUp", "inspected notFound", "resumed"],
  ...["narrow", "freezeClient", "expired", "kill at an event", "close at an event", "recover"],
];

Deno.test("simulation - each feature and fault has an effect in a few hundred seeds", async () => {
  const seen = new Map<string, number>();
  for (let seed = SEEDS.from; seed < SEEDS.from + SEEDS.count; seed++) {
    const plan = drawPlan(seed), history = await simulate(plan);
    const signs = history.facts.flatMap((fact) => signsIn(fact, plan));
    for (const sign of [...signs, ...asksInVain(history)]) {
      seen.set(sign, (seen.get(sign) ?? 0) + 1);
    }
  }
  for (const sign of WANTED) assertGreater(seen.get(sign) ?? 0, 0, `${sign}: never`);
});

/** What a plan has, by name. */
function featuresOf(plan: Plan): string[] {
  const { broker, member, answers, signs, transactions, sends, faults } = plan;
  const { hasHooks, operations = [] } = plan;
  return [
    ...new Set(faults.map(({ kind }) => kind)),
    ...new Set(transactions.flatMap(({ way }) => way ?? [])),
    ...new Set(sends.map(({ how }) => `plain ${how}`)),
    answers,
    ...(signs ? ["signs"] : []),
    ...(member.endTransactionMode === "oneway" ? ["one-way verdicts"] : []),
    ...(member.compression === undefined ? [] : ["compression"]),
    ...(member.checkRequestHoldMax === undefined ? [] : ["burst"]),
    ...(member.maxSendsInFlight === undefined ? [] : ["gate"]),
    ...(hasHooks ? ["hooks"] : []),
    ...(plan.capacities ? ["small capacities"] : []),
    ...(operations.length > 0 ? ["operators"] : []),
    ...(broker.isBehindNat ? ["NAT"] : []),
    ...(transactions.some(({ immunity }) => immunity !== undefined) ? ["immunity"] : []),
  ];
}

Deno.test("simulation - each feature is in a few plans of a hundred at least", () => {
  const counts = new Map<string, number>(), plans = 2_000;
  for (let seed = 1; seed <= plans; seed++) {
    for (const feature of featuresOf(drawPlan(seed))) {
      counts.set(feature, (counts.get(feature) ?? 0) + 1);
    }
  }
  const features = ["signs", "one-way verdicts", "compression", "burst", "immunity", "gate"];
  const uses = ["hooks", "small capacities", "operators", "NAT", "untrueSuccess"];
  const ways = ["begin", "callback", "loop", "parallelLoop", "plain single", "plain batch"];
  const faults = ["plain oneway", "narrow", "freezeClient", "leaveAt", "recover", "killClient"];
  for (const name of [...features, ...uses, ...ways, ...faults]) {
    assertGreater(counts.get(name) ?? 0, plans * 0.03, name);
  }
});
