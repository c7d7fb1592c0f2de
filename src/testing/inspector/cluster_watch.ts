import { type Clock, sleep } from "../../clock.ts";
import { describe } from "../../errors.ts";
import { stepOfFinding, stepsOfRecords } from "./cluster_steps.ts";
import type { InspectedState } from "./record.ts";
import type { ClusterFinding, InspectedCluster } from "./source.ts";
import type { TransactionLog } from "./transaction_log.ts";

/** Most transactions that a cluster is asked about again and again. */
const MAX_WATCHED = 500;

/** How often a cluster is asked about a transaction that it does not know. */
const MAX_MISSES = 150;

const STATES: Readonly<Record<ClusterFinding["state"], InspectedState>> = {
  pending: "open",
  committed: "visible",
  rolledBack: "rolledBack",
  givenUp: "givenUp",
  uncertain: "open",
  notFound: "notFound",
};

/** How a {@linkcode ClusterWatch} is made. */
export interface ClusterWatchOptions {
  /** Who is asked. */
  cluster: InspectedCluster;
  /** The topic of the transactions. */
  topic: string;
  /** Where answers go. */
  log: TransactionLog;
  /** Time. */
  clock: Clock;
  /** Milliseconds between two rounds. */
  interval: number;
  /** Ends the rounds. */
  signal: AbortSignal;
  /** Is told that the cluster answers, or why it does not. */
  onHealth(problem: string | undefined): void;
}

/** A transaction that a cluster is asked about. */
interface Watched {
  last: ClusterFinding | undefined;
  misses: number;
  /** The records whose steps were told. */
  readonly told: Set<string>;
}

/** Asks a cluster about transactions until they are settled, and notes what has changed. */
export class ClusterWatch {
  readonly #options: ClusterWatchOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: ClusterWatchOptions) {
    this.#options = options;
  }

  /** Asks about a transaction from the next round on; the one watched for longest makes room. */
  add(id: string): void {
    if (this.#watched.has(id)) return;
    if (this.#watched.size >= MAX_WATCHED) {
      this.#watched.delete(this.#watched.keys().next().value!);
    }
    this.#watched.set(id, { last: undefined, misses: 0, told: new Set() });
  }

  /** Asks now about one, and gives up watching it when it is settled. @throws {RocketMQError} */
  async ask(id: string): Promise<void> {
    const { cluster, topic, clock, signal } = this.#options;
    const finding = await cluster.inspect(id, { topic, signal });
    const watched: Watched = this.#watched.get(id) ??
      { last: undefined, misses: 0, told: new Set() };
    const { last } = watched;
    const isNews = last?.state !== finding.state || last.checkTimes !== finding.checkTimes ||
      last.copies !== finding.copies || last.records?.length !== finding.records?.length;
    watched.last = finding;
    if (isNews) this.#note(id, finding, watched.told, Math.floor(clock.now()));
    if (finding.state === "notFound") watched.misses++;
    const isOver = finding.state === "committed" || finding.state === "rolledBack";
    if (isOver || watched.misses >= MAX_MISSES) this.#watched.delete(id);
  }

  /** Asks round by round until the signal ends it. */
  async run(): Promise<void> {
    const { clock, interval, signal, onHealth } = this.#options;
    while (!signal.aborted) {
      let problem: string | undefined;
      const ids = [...this.#watched.keys()];
      for (const id of ids) {
        if (signal.aborted) return;
        try {
          await this.ask(id);
        } catch (error) {
          problem = describe(error);
          this.#putLast(id);
          break;
        }
      }
      if (signal.aborted) return;
      if (ids.length > 0) onHealth(problem);
      await sleep(clock, interval, signal).catch(() => {});
    }
  }

  /** Has the others asked about before it: what is wrong may be wrong with this one only. */
  #putLast(id: string): void {
    const watched = this.#watched.get(id);
    if (!watched) return;
    this.#watched.delete(id);
    this.#watched.set(id, watched);
  }

  #note(id: string, finding: ClusterFinding, told: Set<string>, at: number): void {
    const { topic, log } = this.#options;
    const { state, copies, checkTimes, brokerName = "", records = [] } = finding;
    for (const { offsetMessageId, step, state, brokerName, begins } of stepsOfRecords(records)) {
      if (told.has(offsetMessageId)) continue;
      told.add(offsetMessageId);
      log.add({ id, topic, broker: brokerName, state, step, begins }, at);
    }
    // No record is left of a roll-back.
    const isTold = records.length > 0 && state !== "rolledBack";
    log.add({
      ...{ id, topic, broker: brokerName, state: STATES[state], checks: checkTimes, copies },
      ...(state === "rolledBack" ? { endsEarlier: true } : {}),
      ...(isTold ? {} : { step: stepOfFinding(finding, at) }),
    }, at);
  }
}
