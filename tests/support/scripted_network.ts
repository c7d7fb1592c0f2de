import type { Clock } from "../../src/clock.ts";
import type { Dialer } from "../../src/transport/mod.ts";
import { formatAddress } from "../../src/route/mod.ts";
import { ScriptedConnection, type ScriptedPeer } from "./scripted_peer.ts";
import { createStreamPair, type PeerEnd } from "./stream_pair.ts";

/** How a dial of an address goes when no server listens there. */
export type DialFault = "refused" | "silent" | "forbidden";

/** A dial that was made. */
export interface Dial {
  /** `host:port`. */
  address: string;
  /** Monotonic milliseconds. */
  at: number;
}

/** A network in memory: servers by address, and a dialer that reaches them. */
export class ScriptedNetwork {
  /** Every dial that was made. */
  readonly dials: Dial[] = [];
  /** The newest connection's end by address, for what only the wire can do. */
  readonly ends = new Map<string, PeerEnd>();
  readonly #clock: Clock;
  readonly #servers = new Map<string, ScriptedPeer>();
  readonly #faults = new Map<string, DialFault>();
  #open = 0;
  #dialling = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Connections that the client has not closed. */
  get openConnections(): number {
    return this.#open;
  }

  /** Dials under way. */
  get dialling(): number {
    return this.#dialling;
  }

  /** Lets a server listen at an address; a fault that was set there is over. */
  listen(address: string, server: ScriptedPeer): void {
    this.#servers.set(address, server);
    this.#faults.delete(address);
  }

  /** Makes dials of an address fail from now on. What is connected stays so. */
  fail(address: string, fault: DialFault = "refused"): void {
    this.#faults.set(address, fault);
  }

  /** Lets an address be reached again. */
  mend(address: string): void {
    this.#faults.delete(address);
  }

  /** When an address was dialled. */
  dialsOf(address: string): number[] {
    return this.dials.filter((dial) => dial.address === address).map(({ at }) => at);
  }

  /** To be given to a client. */
  readonly dialer: Dialer = async (host, port, { signal }) => {
    const address = formatAddress({ host, port });
    this.dials.push({ address, at: this.#clock.monotonic() });
    this.#dialling++;
    try {
      await Promise.resolve();
      const fault = this.#faults.get(address);
      const server = this.#servers.get(address);
      if (fault === "silent") await aborted(signal);
      if (fault === "forbidden") {
        throw new Deno.errors.NotCapable(`Requires net access to "${address}"`);
      }
      if (fault || !server) {
        throw new Deno.errors.ConnectionRefused("Connection refused (os error 111)");
      }
      return this.#connect(address, server);
    } finally {
      this.#dialling--;
    }
  };

  #connect(address: string, server: ScriptedPeer) {
    this.#open++;
    const { transport, peer } = createStreamPair({
      onBytes: (bytes) => connection.take(bytes),
      onClosed: () => {
        this.#open--;
        connection.closedByClient();
      },
    });
    const connection = new ScriptedConnection(server, peer);
    this.ends.set(address, peer);
    return transport;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
