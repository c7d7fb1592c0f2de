import type { Socket } from "node:net";

/** What is wrong with one direction of a connection. Nothing, if nothing is set. */
export interface LaneFaults {
  /** Milliseconds that every byte is late. */
  latency?: number;
  /** Milliseconds at most that a piece may be later still, drawn anew for each. */
  jitter?: number;
  /** Bytes per second at most. */
  bandwidth?: number;
  /** Bytes at most in one piece. */
  slice?: number;
  /** Whether nothing gets through, as in a half-open connection. It is held back, not lost. */
  hang?: boolean;
  /** Bytes after which the connection is reset, counted from when this was set. */
  limit?: number;
  /** Milliseconds after which the end of the stream is passed on. */
  slowClose?: number;
}

/** Bytes on their way, and when they are due; no bytes are the end of the stream. */
interface Parcel {
  bytes: Uint8Array | undefined;
  dueAt: number;
}

/** Most bytes on their way before the sender is told to wait. */
const CAPACITY = 256 * 1024;

/** Milliseconds that bytes get to arrive before a reset may overtake them. */
const HEAD_START = 20;

/** Carries bytes from one socket to another, with faults that may change on the way. */
export class FaultyLane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #reset: () => void;
  readonly #parcels: Parcel[] = [];
  #faults: LaneFaults = {};
  #waiting = 0;
  #passed = 0;
  #isCarrying = false;
  #isStopped = false;
  #wake: () => void = () => {};

  /** @param reset Ends both directions. */
  constructor(from: Socket, to: Socket, reset: () => void, faults?: LaneFaults) {
    this.#from = from;
    this.#to = to;
    this.#reset = reset;
    this.impair(faults);
    from.on("data", (bytes: Uint8Array) => this.#take(bytes));
    from.on("end", () => this.#take(undefined));
    to.on("drain", () => this.#wake());
  }

  /** Replaces the faults, also for what is on its way. */
  impair(faults: LaneFaults = {}): void {
    this.#faults = faults;
    this.#passed = 0;
    this.#wake();
  }

  /** Carries no more. */
  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  #take(bytes: Uint8Array | undefined): void {
    const { latency = 0, jitter = 0, slowClose = 0 } = this.#faults;
    const late = latency + Math.random() * jitter + (bytes ? 0 : slowClose);
    this.#parcels.push({ bytes, dueAt: performance.now() + late });
    this.#waiting += bytes?.length ?? 0;
    if (this.#waiting > CAPACITY) this.#from.pause();
    if (!this.#isCarrying) this.#carry();
  }

  async #carry(): Promise<void> {
    this.#isCarrying = true;
    for (let next; (next = this.#parcels.shift());) {
      await this.#until(() => this.#lateness(next));
      if (next.bytes) await this.#deliver(next.bytes);
      else await this.#until(() => this.#faults.hang ? Infinity : 0);
      if (this.#isStopped) return;
      if (!next.bytes) this.#to.end();
    }
    this.#isCarrying = false;
  }

  /** A network that was mended delivers at once. */
  #lateness({ bytes, dueAt }: Parcel): number {
    const { latency, jitter, slowClose } = this.#faults;
    const isLate = latency || jitter || (!bytes && slowClose);
    return isLate ? dueAt - performance.now() : 0;
  }

  async #deliver(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      await this.#until(() => this.#faults.hang || this.#to.writableNeedDrain ? Infinity : 0);
      if (this.#isStopped) return;
      const { slice = Infinity, bandwidth, limit = Infinity } = this.#faults;
      const thin = bandwidth === undefined ? Infinity : Math.max(1, bandwidth / 20);
      const end = Math.ceil(Math.min(bytes.length, at + slice, at + thin));
      const piece = bytes.subarray(at, Math.min(end, at + limit - this.#passed));
      at += piece.length;
      this.#passed += piece.length;
      // Without a pause slices would meet again in one packet.
      const pause = bandwidth ? piece.length / bandwidth * 1000 : slice < Infinity ? 1 : 0;
      const from = performance.now();
      await this.#until(() => pause - (performance.now() - from));
      if (this.#isStopped) return;
      this.#to.write(piece);
      if (this.#passed >= limit) return await this.#cut();
    }
    this.#waiting -= bytes.length;
    if (this.#waiting <= CAPACITY) this.#from.resume();
  }

  async #cut(): Promise<void> {
    const at = performance.now() + HEAD_START;
    await this.#until(() => at - performance.now());
    this.#reset();
  }

  /** Waits as long as `remaining` gives milliseconds; it is asked again when something changes. */
  async #until(remaining: () => number): Promise<void> {
    for (let ms; !this.#isStopped && (ms = remaining()) > 0;) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (ms! < Infinity) timer = setTimeout(resolve, ms);
      });
      clearTimeout(timer);
    }
  }
}
