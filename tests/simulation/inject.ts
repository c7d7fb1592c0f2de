import type { Network } from "./network/network.ts";
import type { LaterFault, PlannedFault } from "./plan.ts";
import type { Instance } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Fact } from "./history.ts";
import type { Witness } from "./witness.ts";
import type { Cluster } from "./world/cluster.ts";

/** What faults are done to. */
export interface Victims {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly cluster: Cluster;
  readonly witness: Witness;
  /** The client that a slot has now. */
  member(slot: number): Instance;
  /** Puts a new client into a slot. */
  replace(slot: number): void;
  /** Puts a recovery into a slot, and a new client when that has ended. */
  recover(slot: number): void;
  /** The instances that are to leave at an event. */
  readonly leaves: Set<ArmedLeave>;
  tell(fact: Fact): void;
}

/** An instance that is to leave at the n-th event of a kind. */
export interface ArmedLeave {
  readonly member: string;
  readonly moment: Fact["type"];
  /** How many events of the kind are still to come. */
  left: number;
  leave(): void;
}

/** Lets a fault happen now, and end when it is time. */
export function inject(fault: PlannedFault, victims: Victims): void {
  const { scheduler, tell } = victims;
  const about = aboutOf(fault, victims);
  tell({ type: "fault", kind: fault.kind, about, on: true });
  const end = begin(fault, victims);
  if (!end || !("lasts" in fault)) return;
  scheduler.wake(fault.lasts, () => {
    tell({ type: "fault", kind: fault.kind, about, on: false });
    end();
  });
}

/** Begins a fault; gives what ends it. */
function begin(fault: PlannedFault, victims: Victims): (() => void) | undefined {
  const { network, cluster, witness, member, replace } = victims;
  switch (fault.kind) {
    case "refuse":
      return count(network.refused, cluster.addressOf(fault.server));
    case "hangDial":
      return count(network.hanging, cluster.addressOf(fault.server));
    case "reset":
      for (const link of linksOf(fault, victims)) link.reset();
      return undefined;
    case "breakFrame": {
      const { code, where } = fault;
      const armed = { member: member(fault.slot).process.name, code, where };
      witness.breaks.add(armed);
      return () => witness.breaks.delete(armed);
    }
    case "halfOpen": {
      const links = linksOf(fault, victims);
      for (const link of links) link.hold();
      return () => links.forEach((link) => fault.heals ? link.release() : link.reset());
    }
    case "slow": {
      const lanes = linksOf(fault, victims).flatMap((link) => link.lanes);
      for (const lane of lanes) lane.quality.latency += fault.latency;
      return () => lanes.forEach((lane) => lane.quality.latency -= fault.latency);
    }
    case "wallJump":
      member(fault.slot).process.clock.jump(fault.by);
      return undefined;
    case "killClient":
      member(fault.slot).process.kill();
      return () => replace(fault.slot);
    case "closeClient":
      member(fault.slot).close(fault.timeout);
      return () => replace(fault.slot);
    case "route":
      return cluster.bendRoute(fault.shape);
    case "deadNameServer": {
      const server = cluster.nameServers[fault.nameServer]!;
      network.unlisten(server);
      return () => network.listen(server);
    }
    case "silentNameServer": {
      const server = cluster.nameServers[fault.nameServer]!;
      server.silent++;
      return () => void server.silent--;
    }
    case "narrow":
    case "freezeClient":
    case "leaveAt":
    case "recover":
    case "untrueSuccess":
      return beginLater(fault, victims);
    default:
      return beginOnBroker(fault, victims);
  }
}

function beginLater(fault: LaterFault, victims: Victims): (() => void) | undefined {
  const { leaves, scheduler, tell, member, replace, recover } = victims;
  switch (fault.kind) {
    case "narrow": {
      const { latency, bandwidth, direction } = fault;
      const lanes = linksOf(fault, victims).map(({ lanes: [toServer, toClient] }) =>
        direction === "toServer" ? toServer : toClient
      );
      const before = lanes.map(({ quality }) => quality.bandwidth);
      for (const { quality } of lanes) {
        quality.latency += latency;
        quality.bandwidth = Math.min(quality.bandwidth, bandwidth);
      }
      return () =>
        lanes.forEach(({ quality }, index) => {
          quality.latency -= latency;
          quality.bandwidth = before[index]!;
        });
    }
    case "freezeClient":
      return member(fault.slot).process.freeze();
    case "untrueSuccess": {
      const { troubles } = victims.cluster.brokers[fault.broker]!;
      troubles.untrueSuccess++;
      return () => void troubles.untrueSuccess--;
    }
    case "recover":
      member(fault.slot).process.kill(true);
      return () => recover(fault.slot);
    case "leaveAt": {
      const { slot, moment, how, timeout } = fault, instance = member(slot);
      const { name } = instance.process;
      const leave = () => {
        tell({ type: "fault", kind: `${how} at ${moment}`, about: name, on: false });
        // What it wrote in this very event leaves with it, or does not.
        if (how === "close") instance.close(timeout);
        else scheduler.wake(0, () => instance.process.kill(fault.nth % 2 === 1));
      };
      const armed: ArmedLeave = { member: name, moment, left: fault.nth, leave };
      leaves.add(armed);
      return () => {
        leaves.delete(armed);
        replace(slot);
      };
    }
  }
}

function beginOnBroker(
  fault: Exclude<Extract<PlannedFault, { broker: number }>, LaterFault>,
  { cluster }: Victims,
): () => void {
  const broker = cluster.brokers[fault.broker]!, { troubles } = broker;
  switch (fault.kind) {
    case "killBroker":
      cluster.kill(broker);
      return () => cluster.start(broker);
    case "powerLoss":
      cluster.kill(broker, fault.window);
      return () => cluster.start(broker);
    case "promote":
      cluster.promote(broker, fault.window);
      return () => cluster.returnOldMaster(broker);
    case "actingMaster":
      cluster.kill(broker);
      cluster.escapeHalves(broker);
      return () => cluster.start(broker);
    case "freeze":
      broker.freeze();
      return () => broker.thaw();
    case "lostChecks":
      troubles.lostChecks++;
      return () => void troubles.lostChecks--;
    case "weakStore":
      troubles.storeCode = fault.code;
      return () => troubles.storeCode = 0;
    case "lateReplies":
      troubles.replyDelay += fault.delay;
      return () => void (troubles.replyDelay -= fault.delay);
    case "busy": {
      const halves = fault.requests === "verdict" ? 0 : 1;
      const verdicts = fault.requests === "half" ? 0 : 1;
      troubles.busyForHalves += halves;
      troubles.busyForVerdicts += verdicts;
      return () => {
        troubles.busyForHalves -= halves;
        troubles.busyForVerdicts -= verdicts;
      };
    }
  }
}

function linksOf(
  { slot, server }: { slot: number; server: string },
  { network, cluster, member }: Victims,
): ReturnType<Network["links"]> {
  return network.links(cluster.addressOf(server), member(slot).process.name);
}

function count(counts: Map<string, number>, key: string): () => void {
  const add = (difference: number) => counts.set(key, (counts.get(key) ?? 0) + difference);
  add(1);
  return () => add(-1);
}

/** Name of the server, or of the client, that a fault hits. */
function aboutOf(fault: PlannedFault, { member }: Victims): string {
  if ("server" in fault) return fault.server;
  if ("broker" in fault) return `b${fault.broker}`;
  if ("nameServer" in fault) return `n${fault.nameServer}`;
  if ("slot" in fault) return member(fault.slot).process.name;
  return "route";
}
