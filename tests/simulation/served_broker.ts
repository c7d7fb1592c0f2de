import { encodeCommand, FrameDecoder, type RemotingCommand } from "../../src/remoting/mod.ts";
import { Random } from "../fuzz/random.ts";
import { EPOCH } from "./client_clock.ts";
import type { ServerEnd } from "./network/link.ts";
import type { BrokerSettings } from "./plan.ts";
import { type Scheduled, Scheduler } from "./scheduler.ts";
import { Broker } from "./world/broker.ts";

/** Real time for a broker of the simulation, on the calendar of today. */
class RealTime extends Scheduler {
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  override get now(): number {
    return Date.now() - EPOCH;
  }

  override after(delay: number, run: () => void): Scheduled {
    const entry: Scheduled = { at: this.now + delay, cancelled: false };
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!entry.cancelled) run();
    }, Math.max(0, delay));
    this.#timers.add(timer);
    return entry;
  }

  override wake(delay: number, run: () => void): Scheduled {
    return this.after(delay, run);
  }

  /** Ends time. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

/** A connection over TCP. */
class TcpEnd implements ServerEnd {
  readonly member: string;
  readonly address: string;
  readonly id: number;
  isOpen = true;
  readonly #conn: Deno.TcpConn;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(id: number, conn: Deno.TcpConn) {
    this.id = id;
    this.#conn = conn;
    const { hostname, port } = conn.remoteAddr as Deno.NetAddr;
    this.member = this.address = `${hostname}:${port}`;
  }

  send(command: RemotingCommand): void {
    const bytes = encodeCommand(command);
    this.#writing = this.#writing.then(async () => {
      for (let at = 0; this.isOpen && at < bytes.length;) {
        at += await this.#conn.write(bytes.subarray(at));
      }
    }).catch(() => this.reset());
  }

  reset(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#conn.close();
  }

  /** Hands every frame to the broker, until the other end is gone. */
  async read(broker: Broker): Promise<void> {
    const decoder = new FrameDecoder(), buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const length = await this.#conn.read(buffer);
        if (length === null) break;
        for (const command of decoder.push(buffer.slice(0, length))) broker.receive(this, command);
      }
    } catch {
      // It was closed here, or reset there.
    }
    this.reset();
    broker.unlinked(this);
  }
}

/** A broker of the simulation that real connections reach, in real time. */
export class ServedBroker implements AsyncDisposable {
  readonly name = "b0";
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #time = new RealTime();
  readonly #broker: Broker;
  readonly #ends = new Set<TcpEnd>();
  readonly #serving: Promise<void>;

  constructor(settings: BrokerSettings) {
    this.#broker = new Broker(this.name, this.address, {
      ...{ scheduler: this.#time, random: new Random(1), settings, signs: false },
      tell: () => {},
    });
    this.#serving = this.#serve();
  }

  /** `host:port` */
  get address(): string {
    const { hostname, port } = this.#listener.addr as Deno.NetAddr;
    return `${hostname}:${port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#time.stop();
    this.#listener.close();
    for (const end of this.#ends) end.reset();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    const reading: Promise<void>[] = [];
    for await (const conn of this.#listener) {
      const end = new TcpEnd(reading.length + 1, conn);
      this.#ends.add(end);
      reading.push(end.read(this.#broker));
    }
    await Promise.all(reading);
  }
}
