import { Random } from "../fuzz/random.ts";
import { addFeatures } from "./draw_features.ts";
import { addPressure } from "./draw_pressure.ts";
import { addFaults, drawFaults } from "./draw_faults.ts";
import type {
  CheckBehaviour,
  LocalBehaviour,
  MemberSettings,
  Plan,
  PlannedTransaction,
} from "./plan.ts";

/** Milliseconds in which transactions are sent and faults begin. */
export const BUSY_TIME = 40_000;

/** Draws a simulation from a seed. */
export function drawPlan(seed: number): Plan {
  const random = new Random(seed * 0x9e3779b1);
  const slots = random.pick([1, 1, 1, 2, 2, 3]);
  const interval = random.pick([2_000, 4_000, 6_000, 10_000, 20_000]);
  const plan: Plan = {
    seed,
    nameServers: 1 + random.below(3),
    brokers: 1 + random.below(3),
    slots,
    broker: {
      timeout: random.pick([1_000, 2_000, 4_000, 6_000]),
      interval,
      maxChecks: random.pick([4, 8, 15, 15]),
      markInterval: interval >= 10_000 ? random.pick([200, 1_000, 3_000]) : 200,
    },
    member: drawMember(random, interval),
    answers: "listener",
    signs: false,
    transactions: [],
    sends: [],
    faults: [],
  };
  // Separate lots, so that one more draw in a later version of one list leaves the other alone.
  plan.transactions = drawTransactions(new Random(random.next()), plan);
  plan.faults = drawFaults(new Random(random.next()), plan);
  addFeatures(new Random(random.next()), plan);
  plan.faults = addFaults(new Random(random.next()), plan);
  addPressure(new Random(random.next()), plan);
  return plan;
}

function drawMember(random: Random, interval: number): MemberSettings {
  return {
    checkTimeout: Math.min(interval - 500, random.pick([1_500, 5_000, 20_000])),
    heartbeatInterval: random.pick([5_000, 10_000, 30_000]),
    routePollInterval: random.pick([5_000, 10_000, 30_000]),
  };
}

function drawTransactions(random: Random, plan: Plan): PlannedTransaction[] {
  return random.oneIn(20) ? drawFlood(random, plan) : drawMixture(random, plan);
}

/** Many that are left open at once, and a listener that takes its time over each of them. */
function drawFlood(random: Random, { slots, broker, member }: Plan): PlannedTransaction[] {
  const takes = Math.floor(member.checkTimeout * (0.2 + random.below(6) / 10));
  return Array.from({ length: 15 + random.below(15) }, (_, index) => ({
    name: `t${index}`,
    at: 1_000 + 20 * index,
    slot: random.below(slots),
    timeout: 3_000,
    local: { decision: "COMMIT", takes: 0, recordedAfter: 0, ends: "unknown" },
    checks: Array.from({ length: broker.maxChecks }, () => ({ takes, gives: "truth" })),
    undecided: false,
  }));
}

function drawMixture(random: Random, { slots, broker }: Plan): PlannedTransaction[] {
  const count = 3 + random.below(10);
  const isCalm = random.oneIn(3);
  const transactions = Array.from({ length: count }, (): Omit<PlannedTransaction, "name"> => ({
    at: Math.round(random.below(BUSY_TIME)),
    slot: random.below(slots),
    timeout: random.pick([1_000, 3_000, 3_000, 3_000, 6_000]),
    local: drawLocal(random, isCalm, broker.timeout),
    checks: isCalm ? [] : Array.from({ length: random.below(4) }, () => drawCheck(random)),
    undecided: !isCalm && random.oneIn(12),
  }));
  // Some come in bursts: several of one moment.
  for (let i = 1; i < count; i++) {
    if (random.oneIn(4)) transactions[i]!.at = transactions[i - 1]!.at;
  }
  transactions.sort((a, b) => a.at - b.at);
  return transactions.map((transaction, index) => ({ name: `t${index}`, ...transaction }));
}

function drawLocal(random: Random, isCalm: boolean, brokerTimeout: number): LocalBehaviour {
  return {
    decision: random.oneIn(3) ? "ROLLBACK" : "COMMIT",
    takes: random.pick([
      0,
      random.below(20),
      random.below(1_000),
      random.below(brokerTimeout),
      brokerTimeout + random.below(15_000),
    ]),
    recordedAfter: random.pick([0, 0.5, 0.9, 1]),
    ends: isCalm || !random.oneIn(3)
      ? "decision"
      : random.pick(["unknown", "throws", "throwsEarly", "garbage", "never"]),
  };
}

function drawCheck(random: Random): CheckBehaviour {
  return {
    takes: random.pick([0, 0, random.below(500), random.below(6_000), random.below(25_000)]),
    gives: random.oneIn(2)
      ? "truth"
      : random.pick(["unknown", "throwsSync", "throwsAsync", "garbage", "never", "opposite"]),
  };
}
