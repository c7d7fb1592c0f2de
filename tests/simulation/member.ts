import { type CheckBack, InvalidStateError, TransactionProducer } from "../../mod.ts";
import type { Random } from "../fuzz/random.ts";
import { Application } from "./application.ts";
import { clientOptions, START_AGAIN } from "./client_options.ts";
import { tellingHooks } from "./hooks.ts";
import { sendPlain } from "./plain_sends.ts";
import { operate } from "./operator.ts";
import type { PlannedOperation, PlannedSend, PlannedTransaction } from "./plan.ts";
import { type Instance, type MemberWorld, Process } from "./process.ts";
import { sendTransaction } from "./ways.ts";

/** A client of the group: the real producer, with an application around it. */
export class Member implements Instance {
  readonly process: Process;
  readonly #world: MemberWorld;
  readonly #application: Application;
  readonly #producer: TransactionProducer<PlannedTransaction>;

  constructor(world: MemberWorld, name: string, random: Random) {
    const { plan } = world;
    this.#world = world;
    this.process = new Process(world, name, random);
    const application = this.#application = new Application(world, this.process);
    this.#producer = new TransactionProducer<PlannedTransaction>({
      ...clientOptions(world, this.process),
      ...(plan.hasHooks ? tellingHooks(name, world.tell) : {}),
      transactionListener: {
        executeLocalTransaction: (_message, txn) => application.runLocal(txn),
        ...(plan.answers === "listener"
          ? { checkLocalTransaction: application.check.bind(application) }
          : {}),
      },
    });
    if (plan.answers !== "listener") this.#loop();
    if (plan.member.checkRequestHoldMax !== undefined) this.#watchQueue();
    this.#start();
  }

  /** Whether it takes transactions. */
  get isRunning(): boolean {
    return this.process.state === "running";
  }

  send(txn: PlannedTransaction): void {
    if (!this.isRunning || this.process.isFrozen) return;
    sendTransaction(this.#producer, this.#application, this.#world, this.process.name, txn);
  }

  sendPlain(send: PlannedSend): void {
    if (!this.isRunning || this.process.isFrozen) return;
    sendPlain(this.#producer, this.#world, this.process.name, send);
  }

  operate(operation: PlannedOperation): void {
    if (!this.isRunning || this.process.isFrozen) return;
    operate(this.#producer, this.#world, this.process.name, operation);
  }

  tellRest(): void {
    const { name, state, clock } = this.process;
    if (state !== "starting" && state !== "running") return;
    const { tell, network } = this.#world;
    const { waitingChecks, runningChecks, transactionsInFlight, sendsInFlight } = this.#producer
      .stats();
    tell({
      type: "rested",
      member: name,
      timers: clock.pendingTimers,
      links: network.linksOf(name).length,
      held: waitingChecks + runningChecks,
      inFlight: transactionsInFlight + sendsInFlight,
    });
  }

  close(timeout: number): void {
    const { process } = this;
    if (process.state !== "starting" && process.state !== "running") return;
    const { tell, network, scheduler } = this.#world;
    process.state = "closing";
    tell({ type: "closing", member: process.name, deadline: timeout });
    this.#producer.shutdown({ timeout }).then(() => {
      scheduler.wake(0, () => {
        if (process.state !== "closing") return;
        process.state = "closed";
        const { waitingChecks, runningChecks } = this.#producer.stats();
        tell({
          type: "closed",
          member: process.name,
          timers: process.clock.pendingTimers,
          links: network.linksOf(process.name).length,
          held: waitingChecks + runningChecks,
        });
      });
    });
  }

  #start(): void {
    const { process } = this;
    this.#producer.start().then(
      () => {
        if (process.state !== "starting") return;
        process.state = "running";
        this.#world.tell({ type: "started", member: process.name });
      },
      () =>
        process.later(START_AGAIN, () => {
          if (process.state === "starting") this.#start();
        }),
    );
  }

  /** Takes the questions in a loop, one by one or all at once. */
  async #loop(): Promise<void> {
    const isSequential = this.#world.plan.answers === "loop";
    for await (const check of this.#producer.checkBacks()) {
      const answered = this.#answer(check);
      if (isSequential) await Promise.race([answered, whenAborted(check.signal)]);
    }
  }

  /**
   * Answers one question. What comes too late is refused, and what is no state as well; every other
   * time the application says then what the database says.
   */
  async #answer(check: CheckBack): Promise<void> {
    try {
      const state = await this.#application.check(check.message, check);
      if (state === "COMMIT") await check.commit();
      else if (state === "ROLLBACK") await check.rollback();
      else if (state === "UNKNOWN") await check.unknown();
      else if (check.isAnswered) await check.answer(state);
      else {
        const refusal = await check.answer(state).then(() => undefined, (error) => error.name);
        const better = this.#application.misuse(check.message, check, refusal, check.isAnswered);
        if (better) await check.answer(better);
      }
    } catch (error) {
      if (!(error instanceof InvalidStateError)) return;
      if (check.isAnswered) return;
      this.#world.tell({ type: "unhandled", member: this.process.name, error: error.message });
    }
  }

  /** Tells what becomes of each question, and how many wait. */
  async #watchQueue(): Promise<void> {
    for await (const event of this.#producer.events()) {
      if (event.type !== "checkBack" || !this.process.isAlive) continue;
      const { waitingChecks, runningChecks } = this.#producer.stats();
      this.#world.tell({
        type: "queued",
        member: this.process.name,
        txn: this.#world.txnOf(event.transactionId)!,
        broker: event.brokerName,
        handling: event.handling,
        waiting: waitingChecks,
        running: runningChecks,
      });
    }
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
