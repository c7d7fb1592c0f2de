import { createResponse, isOneway, type RemotingCommand } from "../../../src/remoting/mod.ts";
import type { ServerEnd, SimServer } from "../network/link.ts";
import { refuseUnsigned } from "./access.ts";
import { answerRequest } from "./broker_requests.ts";
import { runCheckRound } from "./check_round.ts";
import type { World } from "./context.ts";
import { Registrations } from "./registrations.ts";
import { Store } from "./store.ts";

/** Milliseconds between two writes of the check progress. */
const PROGRESS_INTERVAL = 5_000;

/** What faults do to a broker for a while. Counted, because several can overlap. */
export interface BrokerTroubles {
  /** Half messages are refused with SYSTEM_BUSY. */
  busyForHalves: number;
  /** Verdicts are refused with SYSTEM_BUSY. */
  busyForVerdicts: number;
  /** Verdicts are confirmed and not carried out. */
  untrueSuccess: number;
  /** Check-backs are written again and then not sent. */
  lostChecks: number;
  /** Code with which half messages are stored. */
  storeCode: number;
  /** Milliseconds that replies take longer. */
  replyDelay: number;
}

/**
 * A master: stores half messages, ends them, asks about those that are open. It acts at single
 * moments of virtual time and knows nothing of the client's code but its wire format.
 */
export class Broker implements SimServer {
  /** `host:port`; another one after a slave was promoted. */
  address: string;
  readonly name: string;
  readonly world: World;
  readonly troubles: BrokerTroubles = {
    busyForHalves: 0,
    busyForVerdicts: 0,
    untrueSuccess: 0,
    lostChecks: 0,
    storeCode: 0,
    replyDelay: 0,
  };
  readonly registrations: Registrations = new Registrations();
  /** Marks that are only in memory: queue offsets. */
  readonly pendingMarks: Set<number> = new Set();
  store: Store;
  /** Number of the last request that it sent. */
  lastOpaque = 0;
  #isUp = true;
  #frozen = 0;
  #epoch = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(name: string, address: string, world: World) {
    this.name = name;
    this.address = address;
    this.world = world;
    this.store = new Store(world.random, world.settings.hasEvenRecords === true);
    this.#keepWorking();
  }

  /** The address that ids of its records name. */
  get storeHost(): string {
    const index = Number(this.name.slice(1)) + 1;
    return this.world.settings.isBehindNat ? `172.16.0.${index}:10911` : this.address;
  }

  /** Whether its process runs. */
  get isUp(): boolean {
    return this.#isUp;
  }

  receive(link: ServerEnd, command: RemotingCommand): void {
    if (!this.#isUp) return;
    if (this.#frozen > 0) {
      this.#waiting.push(() => this.receive(link, command));
      return;
    }
    const refusal = this.world.signs ? refuseUnsigned(command) : undefined;
    const answer = refusal ?? answerRequest(this, link, command);
    if (!answer || isOneway(command)) return;
    this.#later(0.1 + this.world.random.below(16) / 8 + this.troubles.replyDelay, () => {
      link.send(createResponse(command, answer));
    });
  }

  unlinked(link: ServerEnd): void {
    this.registrations.remove(link);
  }

  /** Remembers for a while in memory that a half message was ended. */
  mark(queueOffset: number): void {
    if (this.pendingMarks.size === 0) {
      this.#later(this.world.settings.markInterval, () => this.#writeMarks());
    }
    this.pendingMarks.add(queueOffset);
  }

  /** Ends the process: what was only in memory is lost. */
  kill(): void {
    this.#isUp = false;
    this.#epoch++;
    this.#waiting.length = 0;
    for (const offset of this.pendingMarks) {
      const half = this.store.halves[offset];
      if (half) {
        this.world.tell({
          type: "lost",
          broker: this.name,
          txn: half.content.txn,
          what: "mark",
          logOffset: half.logOffset,
        });
      }
    }
    this.pendingMarks.clear();
    this.registrations.clear();
    this.store.progress = this.store.savedProgress;
  }

  /** Loses what was stored in the last `window` milliseconds. */
  loseTail(window: number): void {
    const { halves, visible } = this.store.loseAfter(this.world.scheduler.now - window);
    for (const { content, logOffset } of halves) this.#tellLost(content.txn, "half", logOffset);
    for (const { content, preparedOffset } of visible) {
      this.#tellLost(content.txn, "visible", preparedOffset);
    }
  }

  /** Starts the process again. */
  start(): void {
    if (this.#isUp) return;
    this.#isUp = true;
    this.#keepWorking();
  }

  /** Stops the process without ending it: nothing is read, written or timed. */
  freeze(): void {
    this.#frozen++;
  }

  /** Lets the process go on. */
  thaw(): void {
    if (--this.#frozen > 0) return;
    for (const work of this.#waiting.splice(0)) this.world.scheduler.after(0, work);
  }

  #keepWorking(): void {
    const { settings, random } = this.world;
    const every = (interval: number, work: () => void, first = interval) =>
      this.#later(first, () => {
        work();
        every(interval, work);
      });
    // Rounds begin at another moment on each broker and after each start.
    every(settings.interval, () => runCheckRound(this), 1 + random.below(settings.interval));
    every(PROGRESS_INTERVAL, () => this.store.savedProgress = this.store.progress);
  }

  #writeMarks(): void {
    for (const offset of this.pendingMarks) {
      this.store.marks.set(offset, this.world.scheduler.now);
    }
    this.pendingMarks.clear();
  }

  /** Does something after a while, if this process still runs then; a frozen one does it later. */
  #later(delay: number, work: () => void): void {
    const epoch = this.#epoch;
    const run = () => {
      if (this.#epoch !== epoch) return;
      if (this.#frozen > 0) this.#waiting.push(run);
      else work();
    };
    this.world.scheduler.after(delay, run);
  }

  #tellLost(txn: string, what: "half" | "visible", logOffset: number): void {
    this.world.tell({ type: "lost", broker: this.name, txn, what, logOffset });
  }
}
