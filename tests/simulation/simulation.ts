import { Random } from "../fuzz/random.ts";
import { Database } from "./database.ts";
import { type Fact, History } from "./history.ts";
import { inject, type Victims } from "./inject.ts";
import { Member, type MemberWorld } from "./member.ts";
import { Network } from "./network/network.ts";
import { faultsEnd, type Plan, workEnds } from "./plan.ts";
import { Scheduler } from "./scheduler.ts";
import { Witness } from "./witness.ts";
import { Cluster } from "./world/cluster.ts";

/** Milliseconds that the clients of the end have to shut down. */
const LAST_SHUTDOWN = 10_000;

/** The moments of a simulation, in virtual milliseconds. */
export interface Times {
  /** All faults are over, and all local transactions that end have ended. */
  quiet: number;
  /** Every connection must be back. */
  recovered: number;
  /** Everything must be settled; the clients begin to shut down. */
  settled: number;
  /** The end. */
  end: number;
}

/** When what must have happened. */
export function timesOf(plan: Plan): Times {
  const { broker: { interval, timeout, maxChecks }, member: { routePollInterval } } = plan;
  const quiet = Math.max(faultsEnd(plan), workEnds(plan));
  // A changed route is seen at the next look, which takes a while when name servers are silent.
  const recovered = quiet + routePollInterval + 13_000;
  const rounds = plan.transactions.some(({ undecided }) => undecided) ? maxChecks + 2 : 6;
  const settled = recovered + timeout + Math.max(6, rounds) * interval;
  return { quiet, recovered, settled, end: settled + 2 * LAST_SHUTDOWN };
}

/** Runs a plan and gives what happened. The same plan gives the same history. */
export async function simulate(plan: Plan): Promise<History> {
  const scheduler = new Scheduler();
  const history = new History();
  const tell = (fact: Fact) => history.add(fact, scheduler.now, scheduler.executed);
  const random = new Random(plan.seed ^ 0x27d4eb2f);
  const witness = new Witness(tell, (address) => cluster.brokerAt(address));
  const network = new Network(scheduler, plan.seed, witness);
  const cluster: Cluster = new Cluster(
    plan,
    { scheduler, random, settings: plan.broker, tell },
    network,
  );
  const world: MemberWorld = {
    plan,
    scheduler,
    network,
    database: new Database(tell),
    nameServers: cluster.nameServers.map(({ address }) => address),
    asked: new Map(),
    calledAt: new Map(),
    tell,
  };
  const generations: number[] = [];
  const makeMember = (slot: number) => {
    const generation = generations[slot] = (generations[slot] ?? -1) + 1;
    const seed = Math.imul(plan.seed + 1, 31 * slot + generation + 7);
    return new Member(world, `c${slot}.${generation}`, new Random(seed));
  };
  const onUnhandled = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    tell({ type: "unhandled", member: "?", error: String(event.reason) });
  };
  globalThis.addEventListener("unhandledrejection", onUnhandled);
  try {
    const members = Array.from({ length: plan.slots }, (_, slot) => makeMember(slot));
    const victims: Victims = {
      scheduler,
      network,
      cluster,
      witness,
      tell,
      member: (slot) => members[slot]!,
      replace: (slot) => {
        const old = members[slot]!;
        if (!old.isAlive || !old.isRunning) members[slot] = makeMember(slot);
      },
    };
    for (const fault of plan.faults) scheduler.wake(fault.at, () => inject(fault, victims));
    for (const transaction of plan.transactions) {
      scheduler.wake(transaction.at, () => {
        const member = members[transaction.slot]!;
        if (member.isRunning) member.send(transaction);
      });
    }
    const { settled, end } = timesOf(plan);
    scheduler.wake(settled, () => {
      for (const member of members) {
        member.tellRest();
        member.close(LAST_SHUTDOWN);
      }
    });
    await scheduler.run(end);
    return history;
  } finally {
    globalThis.removeEventListener("unhandledrejection", onUnhandled);
  }
}
