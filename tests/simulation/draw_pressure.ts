import type { Random } from "../fuzz/random.ts";
import type { Plan } from "./plan.ts";

/** Lets a plan have operators, hooks, and more sends at once than a client lets out. */
export function addPressure(random: Random, plan: Plan): void {
  if (random.oneIn(6)) drawGate(random, plan);
  if (random.oneIn(4)) plan.hasHooks = true;
  if (random.oneIn(3)) plan.broker.hasEvenRecords = plan.broker.isBehindNat = true;
  if (random.oneIn(3)) drawOperations(random, plan);
  if (random.oneIn(5)) drawCapacities(random, plan);
}

/** Few sends at once, few that wait, and many of one moment. */
function drawGate(random: Random, plan: Plan): void {
  const { member, slots, transactions, sends } = plan;
  member.maxSendsInFlight = 1 + random.below(2);
  member.maxSendsWaiting = 1 + random.below(6);
  plan.hasHooks = true;
  const at = random.below(30_000), slot = random.below(slots);
  for (const [index, transaction] of transactions.entries()) {
    if (index % 2 === 0) Object.assign(transaction, { at, slot });
  }
  transactions.sort((a, b) => a.at - b.at);
  for (let left = 4 + random.below(8); left > 0; left--) {
    sends.push({
      name: `g${left}`,
      at: at + random.below(3),
      slot,
      how: random.pick(["single", "single", "oneway", "batch"]),
    });
  }
  sends.sort((a, b) => a.at - b.at);
}

/** An operator looks at some transactions, and resumes what was discarded of most. */
function drawOperations(random: Random, plan: Plan): void {
  plan.operations = plan.transactions.filter(() => random.oneIn(2)).map(({ name }) => ({
    txn: name,
    after: random.below(70) / 100,
    slot: random.below(plan.slots),
    resumes: !random.oneIn(4),
  }));
}

/** Bounds so small that a few dozen transactions cross each of them. */
function drawCapacities(random: Random, plan: Plan): void {
  const { member, transactions, operations } = plan;
  plan.capacities = {
    maxTroubled: 1 + random.below(4),
    // What operators look for is not counted with the rest.
    ...(operations ? {} : { maxQueries: 1 + random.below(2) }),
  };
  if (member.checkRequestHoldMax === undefined) return;
  member.compression = "NONE";
  member.checkRequestHoldBytes = 1_000 + random.below(3_000);
  for (const transaction of transactions) transaction.bodySize = 300 + random.below(1_500);
}
