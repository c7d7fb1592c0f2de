import type { Random } from "../../fuzz/random.ts";
import type { Scheduler } from "../scheduler.ts";

/** How bytes travel in one direction of a connection. */
export interface LaneQuality {
  /** Milliseconds for a piece. */
  latency: number;
  /** Most milliseconds more, drawn for each piece. */
  jitter: number;
  /** Bytes in a millisecond. */
  bandwidth: number;
}

/** What a lane tells its connection. */
export interface LaneHandlers {
  /** Bytes `from` to `to`, counted from the start, have arrived. */
  arrived(from: number, to: number): void;
  /** The place has been reached at which the connection is to break. */
  broke(): void;
}

/** One direction of a connection: bytes arrive in order, late, and cut at random places. */
export class Lane {
  /** See {@linkcode LaneQuality}; may be changed at any time. */
  readonly quality: LaneQuality;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #reachesClient: boolean;
  readonly #handlers: LaneHandlers;
  readonly #held: (() => void)[] = [];
  #holds = 0;
  #sent = 0;
  #arrived = 0;
  #lastArrival = 0;
  #breakAt = Infinity;
  #over = false;

  constructor(
    scheduler: Scheduler,
    random: Random,
    quality: LaneQuality,
    reachesClient: boolean,
    handlers: LaneHandlers,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.quality = { ...quality };
    this.#reachesClient = reachesClient;
    this.#handlers = handlers;
  }

  /** Bytes that were sent so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Sends bytes. */
  send(size: number): void {
    const end = this.#sent + size;
    for (let from = this.#sent; from < end;) {
      const to = this.#random.oneIn(3) ? from + 1 + this.#random.below(end - from) : end;
      this.#sendPiece(from, to);
      from = to;
    }
    this.#sent = end;
  }

  /** Breaks the connection when the bytes before this place have arrived. */
  breakAt(place: number): void {
    this.#breakAt = Math.min(this.#breakAt, place);
  }

  /** Whether nothing holds bytes up for long. */
  get isSwift(): boolean {
    return this.#holds === 0 && this.quality.latency < 1_000;
  }

  /** Whether no bytes are on the way. */
  get isEmpty(): boolean {
    return this.#arrived >= this.#sent;
  }

  /** Lets nothing arrive until {@linkcode Lane.release}; counted. */
  hold(): void {
    this.#holds++;
  }

  /** Ends one hold: when it was the last, what was held arrives now. */
  release(): void {
    if (--this.#holds > 0) return;
    for (const deliver of this.#held.splice(0)) this.#schedule(0, deliver);
  }

  /** Forgets what is on the way. */
  end(): void {
    this.#over = true;
    this.#held.length = 0;
  }

  #sendPiece(from: number, to: number): void {
    const { latency, jitter, bandwidth } = this.quality;
    const now = this.#scheduler.now;
    const travel = latency + this.#random.below(1 + jitter * 8) / 8 + (to - from) / bandwidth;
    const arrival = Math.max(this.#lastArrival, now + travel);
    this.#lastArrival = arrival;
    const deliver = () => {
      if (this.#over) return;
      if (this.#holds > 0 || this.#held.length > 0) {
        this.#held.push(deliver);
        return;
      }
      this.#arrived = to;
      const end = Math.min(to, this.#breakAt);
      if (end > from) this.#handlers.arrived(from, end);
      if (this.#breakAt <= to && !this.#over) this.#handlers.broke();
    };
    this.#schedule(arrival - now, deliver);
  }

  #schedule(delay: number, deliver: () => void): void {
    if (this.#reachesClient) this.#scheduler.wake(delay, deliver);
    else this.#scheduler.after(delay, deliver);
  }
}
