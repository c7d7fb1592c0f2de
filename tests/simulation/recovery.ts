import { type CheckContext, type MessageExt, recoverTransactions } from "../../mod.ts";
import type { Random } from "../fuzz/random.ts";
import { Application } from "./application.ts";
import { clientOptions, START_AGAIN } from "./client_options.ts";
import { immunityEnds } from "./plan.ts";
import { type Instance, type MemberWorld, Process } from "./process.ts";

/** A job that settles what a crashed client left open, in its place until a new one is started. */
export class Recovery implements Instance {
  readonly process: Process;
  readonly #world: MemberWorld;
  readonly #application: Application;
  readonly #stop = new AbortController();
  readonly #onEnd: () => void;

  /** @param onEnd Is called when it has ended by itself. */
  constructor(world: MemberWorld, name: string, random: Random, onEnd: () => void) {
    this.#world = world;
    this.#onEnd = onEnd;
    this.process = new Process(world, name, random);
    this.#application = new Application(world, this.process);
    this.#run();
  }

  get isRunning(): boolean {
    return this.process.state === "starting";
  }

  send(): void {
    // It sends nothing.
  }

  sendPlain(): void {
    // It sends nothing.
  }

  operate(): void {
    // Nobody can use it.
  }

  tellRest(): void {
    // It ends by itself when there is nothing left.
  }

  /** Ends it early; it has a time of its own for what it works on. */
  close(): void {
    const { process } = this;
    if (process.state !== "starting") return;
    process.state = "closing";
    const { checkTimeout } = this.#world.plan.member;
    this.#world.tell({ type: "closing", member: process.name, deadline: checkTimeout + 3_000 });
    this.#stop.abort(new Error("the job is stopped"));
  }

  #run(): void {
    const { process } = this, { plan, tell, network, scheduler } = this.#world;
    const { interval, timeout } = plan.broker;
    tell({ type: "recovering", member: process.name });
    const ended = (counts: { committed: number; rolledBack: number; open: number }) => {
      if (process.state === "killed") return;
      if (process.state === "starting") {
        tell({ type: "closing", member: process.name, deadline: 0 });
        tell({ type: "recovered", member: process.name, ...counts });
      }
      const byItself = process.state === "starting";
      process.state = "closed";
      tell({
        type: "closed",
        member: process.name,
        timers: process.clock.pendingTimers,
        links: network.linksOf(process.name).length,
        held: 0,
      });
      if (byItself) this.#onEnd();
    };
    recoverTransactions({
      ...clientOptions(this.#world, process),
      checkLocalTransaction: (message: MessageExt, context: CheckContext) =>
        this.#application.check(message, context),
      idleTimeout: 2 * interval + timeout + 2_000 +
        Math.max(0, immunityEnds(plan) - scheduler.now),
      signal: this.#stop.signal,
    }).then(
      ({ committed, rolledBack, openTransactions: { length: open } }) =>
        scheduler.wake(0, () => ended({ committed, rolledBack, open })),
      () => {
        if (this.#stop.signal.aborted) scheduler.wake(0, () => ended(NOTHING));
        else process.later(START_AGAIN, () => this.#run());
      },
    );
  }
}

const NOTHING = { committed: 0, rolledBack: 0, open: 0 };
