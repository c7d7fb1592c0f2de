import type { Random } from "../fuzz/random.ts";
import type { Plan, PlannedSend } from "./plan.ts";

/** Lets a plan use what a client can do beside its main road: each plan some of it. */
export function addFeatures(random: Random, plan: Plan): void {
  const { member, transactions } = plan;
  if (random.oneIn(8)) member.endTransactionMode = "oneway";
  if (random.oneIn(6)) plan.answers = random.pick(["loop", "parallelLoop"]);
  if (random.oneIn(10)) plan.signs = true;
  if (random.oneIn(10)) drawBurst(random, plan);
  if (random.oneIn(8)) drawBodies(random, plan);
  if (random.oneIn(6)) drawImmunities(random, plan);
  if (random.oneIn(5)) {
    for (const transaction of transactions) {
      transaction.way = random.pick(["listener", "callback", "begin", "begin"]);
    }
  }
  if (random.oneIn(6)) plan.sends = drawSends(random, plan);
}

/** More questions at once than a client holds, and a listener that takes its time over each. */
function drawBurst(random: Random, { slots, member, transactions }: Plan): void {
  member.checkRequestHoldMax = 1 + random.below(3);
  member.checkConcurrency = 1 + random.below(2);
  const at = random.below(20_000), takes = Math.floor(member.checkTimeout * 0.6);
  for (let left = 5 + random.below(8); left > 0; left--) {
    transactions.push({
      name: `b${left}`,
      at: at + random.below(500),
      slot: random.below(slots),
      timeout: 3_000,
      local: { decision: "COMMIT", takes: 0, recordedAfter: 0, ends: "unknown" },
      checks: Array.from({ length: 2 + random.below(3) }, () => ({ takes, gives: "truth" })),
      undecided: false,
    });
  }
  transactions.sort((a, b) => a.at - b.at);
}

/** Bodies so large that clients compress them. */
function drawBodies(random: Random, { member, transactions }: Plan): void {
  member.compression = random.pick(["ZLIB", "ZLIB", "LZ4", "ZSTD"]);
  for (const transaction of transactions) {
    if (random.oneIn(2)) transaction.bodySize = 4_096 + random.below(20_000);
  }
}

/** Half messages that are not asked about for a while, some of them with a slow local transaction. */
function drawImmunities(random: Random, { broker, transactions }: Plan): void {
  for (const transaction of transactions) {
    if (!random.oneIn(2)) continue;
    const immunity = transaction.immunity = random.pick([1, 2, 5, 10, 30]);
    const { local } = transaction;
    if (!random.oneIn(2) || local.ends === "never") continue;
    local.takes = Math.max(immunity * 1_000, broker.timeout) + random.below(broker.interval);
    local.recordedAfter = 1;
  }
}

function drawSends(random: Random, { slots, transactions }: Plan): PlannedSend[] {
  const sends = Array.from({ length: 1 + random.below(8) }, (): Omit<PlannedSend, "name"> => ({
    at: random.oneIn(2) ? random.pick(transactions).at : random.below(40_000),
    slot: random.below(slots),
    how: random.pick(["single", "single", "oneway", "batch"]),
  }));
  return sends.sort((a, b) => a.at - b.at).map((send, index) => ({ name: `p${index}`, ...send }));
}
