import { Random } from "../fuzz/random.ts";
import { Database } from "./database.ts";
import { type Fact, History } from "./history.ts";
import { type ArmedLeave, inject, type Victims } from "./inject.ts";
import { Member } from "./member.ts";
import { Network } from "./network/network.ts";
import { faultsEnd, immunityEnds, type Plan, settlesLate, workEnds } from "./plan.ts";
import type { Instance, MemberWorld } from "./process.ts";
import { Recovery } from "./recovery.ts";
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
  // What can't be decided, or only late, is asked about until it is given up.
  const isLong = settlesLate(plan) || plan.transactions.some(({ undecided }) => undecided);
  const rounds = Math.max(6, isLong ? maxChecks + 2 : 6);
  const settled = Math.max(recovered, immunityEnds(plan)) + timeout + rounds * interval;
  return { quiet, recovered, settled, end: settled + 2 * LAST_SHUTDOWN };
}

/** Runs a plan and gives what happened. The same plan gives the same history. */
export async function simulate(plan: Plan): Promise<History> {
  const scheduler = new Scheduler();
  const history = new History();
  const leaves = new Set<ArmedLeave>();
  const tell = (fact: Fact) => {
    history.add(fact, scheduler.now, scheduler.executed);
    for (const armed of leaves) {
      if (armed.moment !== fact.type || !("member" in fact) || fact.member !== armed.member) {
        continue;
      }
      if (--armed.left > 0) continue;
      leaves.delete(armed);
      armed.leave();
    }
  };
  const random = new Random(plan.seed ^ 0x27d4eb2f);
  const witness = new Witness(tell, (address) => cluster.brokerAt(address));
  const network = new Network(scheduler, plan.seed, witness);
  const cluster: Cluster = new Cluster(
    plan,
    { scheduler, random, settings: plan.broker, signs: plan.signs, tell },
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
    txnOf: (id) => witness.txnOf(id),
    idOf: (txn) => witness.idOf(txn),
  };
  const generations: number[] = [];
  const identify = (slot: number): [name: string, random: Random] => {
    const generation = generations[slot] = (generations[slot] ?? -1) + 1;
    const seed = Math.imul(plan.seed + 1, 31 * slot + generation + 7);
    return [`c${slot}.${generation}`, new Random(seed)];
  };
  const makeMember = (slot: number): Instance => new Member(world, ...identify(slot));
  const onUnhandled = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    tell({ type: "unhandled", member: "?", error: String(event.reason) });
  };
  globalThis.addEventListener("unhandledrejection", onUnhandled);
  try {
    let isOver = false;
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
        if (!old.process.isAlive || !old.isRunning) members[slot] = makeMember(slot);
      },
      recover: (slot) => {
        const old = members[slot]!;
        if (old.process.isAlive) return;
        members[slot] = new Recovery(world, ...identify(slot), () => {
          if (!isOver) members[slot] = makeMember(slot);
        });
      },
      leaves,
    };
    for (const fault of plan.faults) scheduler.wake(fault.at, () => inject(fault, victims));
    for (const transaction of plan.transactions) {
      scheduler.wake(transaction.at, () => {
        members[transaction.slot]!.send(transaction);
      });
    }
    for (const send of plan.sends) {
      scheduler.wake(send.at, () => members[send.slot]!.sendPlain(send));
    }
    const { quiet, settled, end } = timesOf(plan);
    for (const operation of plan.operations ?? []) {
      const { slot, after } = operation;
      scheduler.wake(quiet + after * (settled - quiet), () => members[slot]!.operate(operation));
    }
    scheduler.wake(settled, () => {
      isOver = true;
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
