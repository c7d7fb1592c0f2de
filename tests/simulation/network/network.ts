import { Random } from "../../fuzz/random.ts";
import type { Dialer, Transport } from "../../../src/transport/mod.ts";
import type { Scheduler } from "../scheduler.ts";
import type { LaneQuality } from "./lane.ts";
import { Link, type LinkObserver, type SimServer } from "./link.ts";

/** What is looked at from outside of the connections. */
export interface NetworkObserver extends LinkObserver {
  /** A client has begun to dial, or is through with it. */
  dialled(member: string, address: string, what: "dialling" | "dialled" | "dialFailed"): void;
  /** A connection was made. */
  linked(link: Link): void;
}

/** Nothing listens at an address. */
class ConnectionRefused extends Error {
  override name = "ConnectionRefused";
}

/** The network between clients and servers: who can be dialled, and which connections there are. */
export class Network {
  readonly #scheduler: Scheduler;
  readonly #seed: number;
  readonly #random: Random;
  readonly #observer: NetworkObserver;
  readonly #quality: LaneQuality;
  readonly #servers = new Map<string, SimServer>();
  readonly #links = new Set<Link>();
  readonly #stopped = new Set<string>();
  readonly #frozen = new Map<string, (() => void)[]>();
  readonly #frozenLinks = new Map<string, Link[]>();
  /** How many faults refuse, or swallow, dials of an address. */
  readonly refused: Map<string, number> = new Map();
  /** See {@linkcode Network.refused}. */
  readonly hanging: Map<string, number> = new Map();
  #lastId = 0;

  constructor(scheduler: Scheduler, seed: number, observer: NetworkObserver) {
    this.#scheduler = scheduler;
    this.#seed = seed;
    this.#random = new Random(seed ^ 0x5bd1e995);
    this.#observer = observer;
    this.#quality = {
      latency: this.#random.pick([0, 0.2, 1, 5, 30]),
      jitter: this.#random.pick([0, 0.5, 4]),
      bandwidth: this.#random.pick([10, 100, 10_000]),
    };
  }

  /** Connections to a server, of one client or all. */
  links(address: string, member?: string): Link[] {
    return [...this.#links].filter((link) =>
      link.isOpen && link.server.address === address &&
      (member === undefined || link.member === member)
    );
  }

  /** Connections that a client holds open. */
  linksOf(member: string): Link[] {
    return [...this.#links].filter((link) => link.isOpen && link.member === member);
  }

  /** Lets a server be dialled. */
  listen(server: SimServer): void {
    this.#servers.set(server.address, server);
  }

  /** A server is gone: its connections break, dials are refused. Reaches clients. */
  unlisten(server: SimServer): void {
    this.#servers.delete(server.address);
    for (const link of this.links(server.address)) link.reset();
  }

  /** A client is gone at once: nothing reaches it any more, and servers see its connections break. */
  stop(member: string, flushes: boolean): void {
    this.#stopped.add(member);
    for (const link of this.linksOf(member)) link.abandon(flushes);
  }

  /** A client stands still: nothing reaches it, connections stay. */
  freeze(member: string): void {
    if (this.#frozen.has(member)) return;
    this.#frozen.set(member, []);
    for (const link of this.linksOf(member)) link.freezeClient();
    this.#frozenLinks.set(member, this.linksOf(member));
  }

  /** A client goes on. */
  thaw(member: string): void {
    const waiting = this.#frozen.get(member) ?? [];
    this.#frozen.delete(member);
    for (const dial of waiting) this.#scheduler.wake(0, dial);
    for (const link of this.#frozenLinks.get(member) ?? []) link.thawClient();
    this.#frozenLinks.delete(member);
  }

  /** The dialer of a client. */
  dialer(member: string): Dialer {
    return (host, port, { signal }) => {
      const address = `${host}:${port}`;
      const { promise, resolve, reject } = Promise.withResolvers<Transport>();
      this.#observer.dialled(member, address, "dialling");
      let over = false;
      const fail = (error: unknown) => {
        if (over || this.#stopped.has(member)) return;
        over = true;
        this.#observer.dialled(member, address, "dialFailed");
        reject(error);
      };
      signal.addEventListener("abort", () => fail(signal.reason), { once: true });
      if (this.hanging.get(address)) return promise;
      const connect = () => {
        const waiting = this.#frozen.get(member);
        if (waiting) {
          waiting.push(connect);
          return;
        }
        if (over || this.#stopped.has(member)) return;
        const server = this.#servers.get(address);
        if (!server || this.refused.get(address)) {
          return fail(new ConnectionRefused("Connection refused (os error 111)"));
        }
        over = true;
        this.#observer.dialled(member, address, "dialled");
        resolve(this.#link(member, server).transport);
      };
      this.#scheduler.wake(0.1 + 2 * this.#quality.latency, connect);
      return promise;
    };
  }

  #link(member: string, server: SimServer): Link {
    const id = ++this.#lastId;
    const link: Link = new Link({
      id,
      member,
      server,
      scheduler: this.#scheduler,
      random: new Random(this.#seed ^ Math.imul(id, 0x85ebca6b)),
      quality: this.#quality,
      observer: {
        wrote: (...facts) => this.#observer.wrote(...facts),
        got: (...facts) => this.#observer.got(...facts),
        unlinked: (ended, by) => {
          this.#links.delete(ended);
          this.#observer.unlinked(ended, by);
        },
      },
    });
    this.#links.add(link);
    this.#observer.linked(link);
    return link;
  }
}
