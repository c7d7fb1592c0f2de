import {
  type CheckBack,
  LocalTransactionState,
  type Logger,
  type MessageExt,
  TransactionProducer,
  TransactionSendError,
} from "../../mod.ts";
import type { Random } from "../fuzz/random.ts";
import { ClientClock } from "./client_clock.ts";
import type { Database, Decision } from "./database.ts";
import type { Fact, Returned } from "./history.ts";
import type { Network } from "./network/network.ts";
import type { CheckBehaviour, Plan, PlannedTransaction } from "./plan.ts";
import type { Scheduler } from "./scheduler.ts";
import { GROUP, TOPIC } from "./world/context.ts";

/** Milliseconds between two tries to start. */
const START_AGAIN = 1_000;

/** Milliseconds after which no local transaction of a dead client can still be recorded. */
const LONGEST_LOCAL = 25_000;

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** What the clients of a simulation have in common. */
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
}

/** A client of the group: the real producer, with an application around it. */
export class Member {
  readonly name: string;
  readonly clock: ClientClock;
  readonly #world: MemberWorld;
  readonly #producer: TransactionProducer<PlannedTransaction>;
  #state: "starting" | "running" | "closing" | "closed" | "killed" = "starting";

  constructor(world: MemberWorld, name: string, random: Random) {
    const { plan, scheduler, network, nameServers } = world;
    this.#world = world;
    this.name = name;
    this.clock = new ClientClock(scheduler, random, 0, (error) => {
      world.tell({ type: "unhandled", member: name, error: String(error) });
    });
    this.#producer = new TransactionProducer<PlannedTransaction>({
      nameServers,
      producerGroup: GROUP,
      topics: [TOPIC],
      instanceName: name,
      ...plan.member,
      clock: this.clock,
      dialer: network.dialer(name),
      logger: SILENT,
      transactionListener: {
        executeLocalTransaction: (_message, txn) => this.#runLocal(txn),
        checkLocalTransaction: (message, context) => this.#check(message, context as CheckBack),
      },
    });
    this.#start();
  }

  /** Whether it takes transactions. */
  get isRunning(): boolean {
    return this.#state === "running";
  }

  /** Whether it does anything yet, and still. */
  get isAlive(): boolean {
    return this.#state !== "killed" && this.#state !== "closed";
  }

  /** Sends a transaction. */
  send(txn: PlannedTransaction): void {
    const { name } = txn, { tell, scheduler, calledAt } = this.#world;
    tell({ type: "called", member: this.name, txn: name, timeout: txn.timeout });
    calledAt.set(name, scheduler.now);
    this.#producer.sendMessageInTransaction(
      { topic: TOPIC, body: `order of ${name}`, keys: name },
      txn,
      { timeout: txn.timeout },
    ).then(
      ({ endTransaction }) =>
        tell({ type: "settled", member: this.name, txn: name, outcome: "sent", endTransaction }),
      (error) =>
        tell({
          type: "settled",
          member: this.name,
          txn: name,
          outcome: error instanceof TransactionSendError ? error.outcome : "refused",
          reason: (error as Error).name,
        }),
    );
  }

  /** Tells what it holds, at a moment when everything should have come to rest. */
  tellRest(): void {
    if (this.#state !== "starting" && this.#state !== "running") return;
    const { tell, network } = this.#world;
    const { waitingChecks, runningChecks, transactionsInFlight, sendsInFlight } = this.#producer
      .stats();
    tell({
      type: "rested",
      member: this.name,
      timers: this.clock.pendingTimers,
      links: network.linksOf(this.name).length,
      held: waitingChecks + runningChecks,
      inFlight: transactionsInFlight + sendsInFlight,
    });
  }

  /** Ends the process at this moment. */
  kill(): void {
    if (!this.isAlive) return;
    this.#state = "killed";
    this.#world.tell({ type: "killed", member: this.name });
    this.clock.stop();
    this.#world.network.stop(this.name);
  }

  /** Shuts down in an orderly way. */
  close(timeout: number): void {
    if (this.#state !== "starting" && this.#state !== "running") return;
    const { tell, network, scheduler } = this.#world;
    this.#state = "closing";
    tell({ type: "closing", member: this.name, deadline: timeout });
    this.#producer.shutdown({ timeout }).then(() => {
      scheduler.wake(0, () => {
        if (this.#state !== "closing") return;
        this.#state = "closed";
        const { waitingChecks, runningChecks } = this.#producer.stats();
        tell({
          type: "closed",
          member: this.name,
          timers: this.clock.pendingTimers,
          links: network.linksOf(this.name).length,
          held: waitingChecks + runningChecks,
        });
      });
    });
  }

  #start(): void {
    this.#producer.start().then(
      () => {
        if (this.#state !== "starting") return;
        this.#state = "running";
        this.#world.tell({ type: "started", member: this.name });
      },
      () =>
        this.#later(START_AGAIN, () => {
          if (this.#state === "starting") this.#start();
        }),
    );
  }

  #runLocal(txn: PlannedTransaction): LocalTransactionState | Promise<LocalTransactionState> {
    const { tell, database } = this.#world;
    const { takes, recordedAfter, decision, ends } = txn.local;
    tell({ type: "localBegan", member: this.name, txn: txn.name });
    const records = !txn.undecided && ends !== "throwsEarly";
    const end = (): LocalTransactionState => {
      const state = records ? database.record(txn.name, decision) : undefined;
      const returned: Returned = txn.undecided
        ? "UNKNOWN"
        : ends === "garbage"
        ? "garbage"
        : ends === "throws" || ends === "throwsEarly"
        ? "threw"
        : ends === "unknown"
        ? "UNKNOWN"
        : state!;
      tell({ type: "localEnded", member: this.name, txn: txn.name, returned });
      return this.#give(returned);
    };
    if (takes === 0 && ends !== "never") return end();
    if (records) {
      this.#later(takes * recordedAfter, () => database.record(txn.name, decision));
    }
    return new Promise((resolve, reject) => {
      if (ends === "never" && !txn.undecided) return;
      this.#later(takes, () => {
        try {
          resolve(end());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #check(
    message: MessageExt,
    context: { localTransactionRan: boolean | undefined },
  ): LocalTransactionState | Promise<LocalTransactionState> {
    const { plan, asked, tell } = this.#world;
    const txn = plan.transactions.find(({ name }) => message.keys?.includes(name))!;
    const call = asked.get(txn.name) ?? 0;
    asked.set(txn.name, call + 1);
    const { takes, gives }: CheckBehaviour = txn.undecided
      ? { takes: 0, gives: "unknown" }
      : txn.checks[call] ?? { takes: 0, gives: "truth" };
    const ran = context.localTransactionRan;
    const facts = { member: this.name, txn: txn.name, call };
    tell({ type: "asked", ...facts, ran, takes: gives === "never" ? Infinity : takes });
    const answer = (): LocalTransactionState => {
      const returned = gives === "truth"
        ? this.#truth(txn, ran)
        : gives === "opposite"
        ? OPPOSITE[this.#truth(txn, ran)]
        : RETURNED[gives];
      tell({ type: "answered", ...facts, returned });
      return this.#give(returned);
    };
    if (gives === "throwsSync" || (takes === 0 && gives !== "never")) return answer();
    return new Promise((resolve, reject) => {
      if (gives === "never") return;
      this.#later(takes, () => {
        try {
          resolve(answer());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /**
   * What the database says. Where it says nothing, and nothing can come any more, this is recorded
   * as a rollback, so that it stays true.
   */
  #truth(txn: PlannedTransaction, ran: boolean | undefined): Decision | "UNKNOWN" {
    const { database, scheduler, calledAt } = this.#world;
    const known = database.get(txn.name);
    if (known) return known;
    const isOver = ran !== undefined ||
      scheduler.now > calledAt.get(txn.name)! + txn.timeout + LONGEST_LOCAL;
    return isOver ? database.record(txn.name, "ROLLBACK") : "UNKNOWN";
  }

  #give(returned: Returned): LocalTransactionState {
    switch (returned) {
      case "COMMIT":
        return LocalTransactionState.Commit;
      case "ROLLBACK":
        return LocalTransactionState.Rollback;
      case "UNKNOWN":
        return LocalTransactionState.Unknown;
      case "garbage":
        return "committed" as LocalTransactionState;
      case "threw":
        throw new Error("the database is gone");
    }
  }

  /** Does something later in this process, if it still runs then. */
  #later(delay: number, work: () => void): void {
    this.#world.scheduler.wake(delay, () => {
      if (this.#state !== "killed") work();
    });
  }
}

const OPPOSITE = { COMMIT: "ROLLBACK", ROLLBACK: "COMMIT", UNKNOWN: "UNKNOWN" } as const;

const RETURNED = {
  unknown: "UNKNOWN",
  throwsSync: "threw",
  throwsAsync: "threw",
  garbage: "garbage",
  never: "UNKNOWN",
} as const;
