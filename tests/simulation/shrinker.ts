import type { Violation } from "./invariants/mod.ts";
import type { Plan } from "./plan.ts";

/** Runs a plan and tells what broke. */
export type Judge = (plan: Plan) => Promise<readonly Violation[]>;

/** A plan from which nothing more can be left out. */
export interface Shrunk {
  /** What is left. */
  readonly plan: Plan;
  /** What breaks with it. */
  readonly violations: readonly Violation[];
  /** How many plans were run. */
  readonly runs: number;
}

/**
 * Leaves faults and transactions out of a plan as long as one of the invariants that broke first
 * still breaks, then makes what is left simpler.
 *
 * @param mostRuns After so many runs it takes what it has.
 */
export async function shrink(plan: Plan, judge: Judge, mostRuns = 400): Promise<Shrunk> {
  let best = plan, violations = await judge(plan), runs = 1;
  const wanted = new Set(violations.map(({ invariant }) => invariant));
  if (wanted.size === 0) return { plan, violations, runs };
  const accept = async (candidate: Plan): Promise<boolean> => {
    if (runs >= mostRuns) return false;
    runs++;
    const found = await judge(candidate);
    if (!found.some(({ invariant }) => wanted.has(invariant))) return false;
    best = candidate;
    violations = found;
    return true;
  };
  for (let before = -1; before !== sizeOf(best) && runs < mostRuns;) {
    before = sizeOf(best);
    await leaveOut("faults");
    await leaveOut("transactions");
    await leaveOut("sends");
  }
  for (const simpler of simplifications(best)) await accept(simpler(best));
  return { plan: best, violations, runs };

  /** Halves first, then quarters, down to single entries. */
  async function leaveOut(list: "faults" | "transactions" | "sends"): Promise<void> {
    for (let size = Math.ceil(best[list].length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at < best[list].length;) {
        const rest = best[list].toSpliced(at, size) as never[];
        if (!await accept({ ...best, [list]: rest })) at += size;
      }
    }
  }
}

function sizeOf({ faults, transactions, sends }: Plan): number {
  return faults.length + transactions.length + sends.length;
}

/** Changes of what is left that make it easier to understand. */
function simplifications(plan: Plan): ((plan: Plan) => Plan)[] {
  const { transactions, nameServers, slots } = plan;
  const changes: ((plan: Plan) => Plan)[] = withoutFeatures(plan);
  if (nameServers > 1) changes.push((plan) => ({ ...plan, nameServers: 1 }));
  if (slots > 1) {
    changes.push((plan) => ({
      ...plan,
      slots: 1,
      transactions: plan.transactions.map((transaction) => ({ ...transaction, slot: 0 })),
      sends: plan.sends.map((send) => ({ ...send, slot: 0 })),
    }));
  }
  for (const { name } of transactions) {
    changes.push((plan) => ({
      ...plan,
      transactions: plan.transactions.map((transaction) =>
        transaction.name === name ? { ...transaction, checks: [] } : transaction
      ),
    }));
  }
  return changes.map((change) => (plan) => {
    const changed = change(plan);
    // A fault may name what is no longer there: then the change is not for this plan.
    return isWhole(changed) ? changed : plan;
  });
}

/** Changes that leave out one feature that a client can be used with. */
function withoutFeatures(drawn: Plan): ((plan: Plan) => Plan)[] {
  const { broker, member, answers, signs, transactions } = drawn;
  const changes: ((plan: Plan) => Plan)[] = [];
  if (signs) changes.push((plan) => ({ ...plan, signs: false }));
  if (answers !== "listener") changes.push((plan) => ({ ...plan, answers: "listener" }));
  for (const feature of PLAN_FEATURES) {
    if (drawn[feature] === undefined) continue;
    changes.push(({ [feature]: _without, ...rest }) => rest);
  }
  if (broker.isBehindNat || broker.hasEvenRecords) {
    changes.push((plan) => {
      const { isBehindNat: _isBehindNat, hasEvenRecords: _hasEvenRecords, ...rest } = plan.broker;
      return { ...plan, broker: rest };
    });
  }
  for (const option of OPTIONS) {
    if (member[option] === undefined) continue;
    changes.push((plan) => {
      const { [option]: _without, ...rest } = plan.member;
      return { ...plan, member: rest };
    });
  }
  for (const feature of MESSAGE_FEATURES) {
    if (!transactions.some((transaction) => transaction[feature] !== undefined)) continue;
    changes.push((plan) => ({
      ...plan,
      transactions: plan.transactions.map(({ [feature]: _without, ...rest }) => rest),
    }));
  }
  return changes;
}

const OPTIONS = [
  "endTransactionMode",
  "checkRequestHoldMax",
  "checkConcurrency",
  "checkRequestHoldBytes",
  "compression",
  "maxSendsInFlight",
  "maxSendsWaiting",
] as const;

const PLAN_FEATURES = ["hasHooks", "operations", "capacities"] as const;

const MESSAGE_FEATURES = ["way", "immunity", "bodySize"] as const;

function isWhole({ faults, nameServers, slots }: Plan): boolean {
  return faults.every((fault) =>
    !("slot" in fault && fault.slot >= slots) &&
    !("nameServer" in fault && fault.nameServer >= nameServers) &&
    !("server" in fault && fault.server.startsWith("n") &&
      Number(fault.server.slice(1)) >= nameServers)
  );
}
