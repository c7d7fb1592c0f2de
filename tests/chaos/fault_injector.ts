import { delay } from "../support/delay.ts";
import type { FaultProxy } from "../support/fault_proxy.ts";
import { eventually } from "../support/progress.ts";
import type { Group } from "./group.ts";
import type { FaultKind, NetworkTrouble, PlannedFault } from "./schedule.ts";
import type { Replicas } from "./replicas.ts";
import type { Server, Testbed } from "./testbed.ts";
import { halfMessagesIn, halfMessagesOn } from "./witness.ts";

/** A fault that has come. Times are milliseconds since 1970. */
export interface DoneFault {
  kind: FaultKind;
  /** What it hit: a broker, a name server, the producer. */
  target: string;
  /** Of a network. */
  trouble?: NetworkTrouble["name"];
  /** Whether connections ended. */
  isCutting: boolean;
  from: number;
  to: number;
  /** When the killed broker's port could be connected to again, or a slave was promoted. */
  openAt?: number;
  /** When a master was killed that has a slave. */
  killedAt?: number;
  /** Of a `lag`: which half messages the killed master had stored, and which its promoted slave had. */
  halves?: { stored: readonly string[]; survived: readonly string[] };
}

/** How the faults of a run are done. */
export interface InjectorOptions {
  /** Whether a killed producer is followed by one that sends the rest, after a while. */
  resumesSending: boolean;
  /** Told what happens. */
  onFault?: (fault: PlannedFault, target: string) => void;
}

/** Does what a schedule plans, to servers, producers and the network in between. */
export class FaultInjector {
  /** What has been done, in the order of its end. */
  readonly done: DoneFault[] = [];
  readonly #testbed: Testbed;
  readonly #group: Group;
  readonly #options: InjectorOptions;
  /** The last fault of each target: the next one waits for its end. */
  readonly #busy = new Map<string, Promise<void>>();

  constructor(testbed: Testbed, group: Group, options: InjectorOptions) {
    this.#testbed = testbed;
    this.#group = group;
    this.#options = options;
  }

  /** Does all faults at their times; resolves when all are over. */
  async run(schedule: readonly PlannedFault[]): Promise<void> {
    const start = performance.now();
    const all = schedule.map(async (fault) => {
      await delay(Math.max(0, fault.at - (performance.now() - start)));
      const target = this.#targetOf(fault);
      // Of a broker and its network at once only one is in trouble: a frozen one can't be killed twice.
      const before = this.#busy.get(target);
      const work = (async () => {
        await before;
        this.#options.onFault?.(fault, target);
        const from = Date.now();
        const facts = await this.#do(fault);
        this.done.push({ kind: fault.kind, target, ...facts, from, to: Date.now() });
      })();
      this.#busy.set(target, work);
      await work;
    });
    await Promise.all(all);
  }

  #targetOf({ kind, target }: PlannedFault): string {
    const { brokers, nameServers, proxies } = this.#testbed;
    if (kind === "proxy") return proxies[target]!.name;
    if (kind === "failover" || kind === "lag") return this.#testbed.replicas!.names[target]!;
    if (kind === "producer" || kind === "pause") return "the producer";
    if (kind === "nameserver") return nameServers[target]!.name;
    return brokers[target]!.name;
  }

  async #do(fault: PlannedFault): Promise<Omit<DoneFault, "kind" | "target" | "from" | "to">> {
    const { brokerProxies, nameServerProxies, brokers, nameServers, proxies } = this.#testbed;
    const { target, duration } = fault;
    switch (fault.kind) {
      case "kill": {
        const broker = brokers[target]!;
        return { isCutting: true, openAt: await restart(broker, brokerProxies[target], duration) };
      }
      case "nameserver": {
        await restart(nameServers[target]!, nameServerProxies[target], duration);
        return { isCutting: false };
      }
      case "proxy": {
        await restart(proxies[target]!, undefined, duration);
        return { isCutting: true };
      }
      case "failover":
      case "lag": {
        const { replicas } = this.#testbed;
        const name = replicas!.names[target]!;
        return { isCutting: true, ...await failOver(replicas!, name, fault) };
      }
      case "freeze": {
        const broker = brokers[target]!;
        broker.suspend?.();
        await delay(duration);
        broker.resume?.();
        return { isCutting: false };
      }
      case "producer":
        await this.#group.killSender();
        await this.#group.startSilent();
        await delay(duration);
        if (this.#options.resumesSending) await this.#group.startSenders();
        return { isCutting: false };
      case "pause":
        this.#group.pauseSender();
        await delay(duration);
        this.#group.resumeSender();
        return { isCutting: false };
      case "network": {
        const { name, isCutting } = fault.trouble!;
        await trouble(brokerProxies[target]!, fault.trouble!, duration);
        return { trouble: name, isCutting };
      }
    }
  }
}

/** Milliseconds from the promotion of a slave that lagged to the return of its master. */
const ABSENCE = 6_000;

/**
 * Kills the master of a name and starts it again. Before a `lag` its slave is stopped for the duration
 * of the fault, and misses what its master stores meanwhile.
 */
async function failOver(
  replicas: Replicas,
  name: string,
  { kind, duration }: PlannedFault,
): Promise<Pick<DoneFault, "killedAt" | "openAt" | "halves">> {
  const { master, slave } = await replicas.pairOf(name), isLag = kind === "lag";
  if (isLag) {
    slave.suspend();
    await delay(duration);
  }
  await master.kill();
  const killedAt = Date.now();
  if (isLag) slave.resume();
  if (!replicas.promotes) {
    await delay(duration);
    await master.start();
    return { killedAt };
  }
  await replicas.promoted(slave);
  const openAt = Date.now();
  const halves = isLag
    ? {
      stored: await halfMessagesIn(master.folder),
      survived: await halfMessagesOn(slave.address),
    }
    : undefined;
  await delay(isLag ? ABSENCE : duration);
  await master.start();
  await replicas.inSync(name);
  return { killedAt, openAt, ...halves && { halves } };
}

/** Kills a server and starts it again; gives when its port could be connected to. */
async function restart(
  server: Server,
  proxy: FaultProxy | undefined,
  duration: number,
): Promise<number> {
  await server.kill();
  proxy?.refuse();
  await delay(duration);
  let openAt = 0;
  const opening = eventually(() => isOpen(server.address), 120_000, 20).then(async () => {
    openAt = Date.now();
    await proxy?.accept();
  });
  await server.start();
  await opening;
  return openAt;
}

async function trouble(
  proxy: FaultProxy,
  { name, faults }: NetworkTrouble,
  duration: number,
): Promise<void> {
  if (name === "cut") proxy.refuse();
  if (name === "cut" || name === "reset") proxy.reset();
  proxy.impair(faults);
  await delay(duration);
  proxy.mend();
  if (name === "cut") await proxy.accept();
  if (name === "reset") proxy.reset();
}

async function isOpen(address: string): Promise<boolean> {
  const [hostname = "", port] = address.split(":");
  try {
    (await Deno.connect({ hostname, port: Number(port) })).close();
    return true;
  } catch {
    return false;
  }
}
