import { assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { describeViolation } from "./describe_plan.ts";
import { drawPlan } from "./draw_plan.ts";
import { runSeeds } from "./farm.ts";
import { History } from "./history.ts";
import { simulate } from "./simulation.ts";
import { judge } from "./verdict.ts";

/** Seeds that every test run goes through. `deno task sim --seeds N --from S` runs others. */
const SEEDS = { from: 1, count: 3_000 };

Deno.test("simulation - whatever goes wrong every invariant holds", async () => {
  const verdicts = await runSeeds(SEEDS);
  assertEquals(verdicts.length, SEEDS.count);
  const broken = verdicts.flatMap(({ seed, violations }) =>
    violations.map((violation) => `seed ${seed}: ${describeViolation(violation)}`)
  );
  assertEquals(broken, []);
});

/** Seeds that once showed a fault of the client, and what it was. */
const ONCE_BROKEN: Readonly<Record<number, string>> = {
  380: "look-ups left with no time for their answer, a whole line of them at once",
  5337: "each half message before its last checks had a look of its own, one after the other",
  7819: "a half message was left open although a newer check-back had come",
  10_877: "a commit was tried again after a pause, on the word of a look from before it",
  22_683: "look-ups left with no time for their answer, and the next ones left beside them",
  300_213: "a look took all the time of its commit, which left when nobody waited any more",
  301_155: "of many looks that waited in one line none ended in its time, in no check round",
  20_711: "a check-back that came while surplus half messages were dropped was forgotten",
  9_000_078: "a commit left on the offsets before the newest ones",
};

for (const [seed, what] of Object.entries(ONCE_BROKEN)) {
  Deno.test(`simulation - seed ${seed} holds: once ${what}`, async () => {
    const { violations } = await judge(drawPlan(Number(seed)));
    assertEquals(violations.map(describeViolation), []);
  });
}

Deno.test("simulation - a seed gives the same history every time, and another gives another", async () => {
  const hashes = new Set<string>();
  for (let seed = 1; seed <= 100; seed++) {
    const first = await judge(drawPlan(seed)), again = await judge(drawPlan(seed));
    assertEquals(again, first);
    hashes.add(first.hash);
  }
  assertEquals(hashes.size, 100);
});

Deno.test("simulation - a thread of its own gives the same history", async () => {
  const [fromThread] = await runSeeds({ from: 7, count: 1 });
  assertEquals(fromThread, await judge(drawPlan(7)));
});

Deno.test("simulation - the hash is over everything that happened", () => {
  const hashOf = (at: number, member: string) => {
    const history = new History();
    history.add({ type: "started", member }, at, 0);
    return history.hash;
  };
  assertEquals(hashOf(1, "c0.0"), hashOf(1, "c0.0"));
  assertNotEquals(hashOf(1, "c0.0"), hashOf(2, "c0.0"));
  assertNotEquals(hashOf(1, "c0.0"), hashOf(1, "c1.0"));
});

Deno.test("simulation - its seeds reach what they are for", async () => {
  const seen = new Map<string, number>();
  for (let seed = 1; seed <= 250; seed++) {
    for (const fact of (await simulate(drawPlan(seed))).facts) {
      const name = fact.type === "fault"
        ? fact.kind
        : fact.type === "settled"
        ? fact.outcome
        : fact.type;
      seen.set(name, (seen.get(name) ?? 0) + 1);
    }
  }
  for (
    const name of [
      ...["killed", "closed", "gotCheck", "asked", "answered", "visible", "rolledBack", "givenUp"],
      ...["lost", "sent", "failed", "indeterminate", "killBroker", "powerLoss", "freeze"],
      ...["promote", "actingMaster", "halfOpen", "slow", "busy", "weakStore", "lateReplies"],
      ...["lostChecks", "route", "deadNameServer", "silentNameServer", "wallJump", "reset"],
      ...["refuse", "hangDial", "break before", "break within", "break after", "break reply"],
    ]
  ) assertGreater(seen.get(name) ?? 0, 0, `${name} never happened`);
});
