import type { Random } from "../fuzz/random.ts";
import { ClientClock } from "./client_clock.ts";
import type { Database } from "./database.ts";
import type { Fact } from "./history.ts";
import type { Network } from "./network/network.ts";
import type { Plan, PlannedOperation, PlannedSend, PlannedTransaction } from "./plan.ts";
import type { Scheduler } from "./scheduler.ts";

/** What the processes of a simulation have in common. */
export interface MemberWorld {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly database: Database;
  readonly nameServers: readonly string[];
  /** How often the listener was asked about each transaction, by whatever client. */
  readonly asked: Map<string, number>;
  /** When each transaction was sent. */
  readonly calledAt: Map<string, number>;
  tell(fact: Fact): void;
  /** The transaction that a half message is of, by its unique key. */
  txnOf(id: string): string | undefined;
  /** The unique key of a transaction's half message, when one was written. */
  idOf(txn: string): string | undefined;
}

/** Something that runs in a slot: a client with an application around it, or a recovery. */
export interface Instance {
  /** Its process. */
  readonly process: Process;
  /** Whether it takes what is to be sent, and needs no other in its place. */
  readonly isRunning: boolean;
  /** Sends a transaction. */
  send(txn: PlannedTransaction): void;
  /** Sends plain messages. */
  sendPlain(send: PlannedSend): void;
  /** Lets an operator use it. */
  operate(operation: PlannedOperation): void;
  /** Shuts down in an orderly way. */
  close(timeout: number): void;
  /** Tells what it holds, at a moment when everything should have come to rest. */
  tellRest(): void;
}

/** A process of the application: it has a clock and can be killed or frozen at any moment. */
export class Process {
  /** Slot and generation: `c0.1`. */
  readonly name: string;
  readonly clock: ClientClock;
  state: "starting" | "running" | "closing" | "closed" | "killed" = "starting";
  readonly #world: MemberWorld;
  readonly #waiting: (() => void)[] = [];
  #frozen = 0;

  constructor(world: MemberWorld, name: string, random: Random) {
    this.#world = world;
    this.name = name;
    this.clock = new ClientClock(world.scheduler, random, 0, (error) => {
      world.tell({ type: "unhandled", member: name, error: String(error) });
    });
  }

  /** Whether it does anything yet, and still. */
  get isAlive(): boolean {
    return this.state !== "killed" && this.state !== "closed";
  }

  /** Whether it stands still. */
  get isFrozen(): boolean {
    return this.#frozen > 0;
  }

  /** Does something later in this process, if it still runs then. */
  later(delay: number, work: () => void): void {
    this.#world.scheduler.wake(delay, () => this.whenAwake(work));
  }

  /** Does something now, or when the process goes on. */
  whenAwake(work: () => void): void {
    if (this.state === "killed") return;
    if (this.#frozen > 0) this.#waiting.push(work);
    else work();
  }

  /** Ends it at this moment. @param flushes Whether what it wrote still leaves. */
  kill(flushes = false): void {
    if (!this.isAlive) return;
    this.state = "killed";
    this.#world.tell({ type: "killed", member: this.name });
    this.clock.stop();
    this.#world.network.stop(this.name, flushes);
  }

  /** Lets it stand still; gives what lets it go on. */
  freeze(): () => void {
    this.#frozen++;
    this.clock.freeze();
    this.#world.network.freeze(this.name);
    return () => {
      if (--this.#frozen > 0) return;
      this.clock.thaw();
      this.#world.network.thaw(this.name);
      for (const work of this.#waiting.splice(0)) this.later(0, work);
    };
  }
}
