import { formatAddress } from "../../route/mod.ts";
import type { Acceptor, Listener, MemoryNetwork } from "./memory_network.ts";
import { listenTcp } from "./tcp_listener.ts";

/** How an {@linkcode Endpoint} is made. */
export interface EndpointOptions {
  /** IP address. */
  hostname: string;
  /** Port; for 0 a free one is chosen when it opens first, and kept. */
  port: number;
  /** Whether it is open on TCP, beside memory. */
  listen: boolean;
  /** Where it is open in memory. */
  network: MemoryNetwork;
  /** Takes connections. */
  accept: Acceptor;
}

/** An address at which connections come in, on TCP and in memory, open or closed. */
export class Endpoint {
  readonly #options: EndpointOptions;
  #port: number;
  #listeners: Listener[] = [];
  /** What is under way: openings and closings go one after the other. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  /** `host:port`; the port is 0 until it was opened. */
  get address(): string {
    return formatAddress({ host: this.#options.hostname, port: this.#port });
  }

  /** Lets connections come in. */
  open(): Promise<void> {
    return this.#next(() => this.#open());
  }

  /** Refuses connections from now on. Those that were made live on. */
  close(): Promise<void> {
    return this.#next(async () => {
      const listeners = this.#listeners;
      this.#listeners = [];
      await Promise.all(listeners.map((listener) => listener.close()));
    });
  }

  async #open(): Promise<void> {
    if (this.#listeners.length > 0) return;
    const { hostname, listen, network, accept } = this.#options;
    if (listen) this.#listeners.push(await listenTcp(hostname, this.#port, accept));
    this.#port = this.#listeners[0]?.port ?? (this.#port || network.takePort());
    this.#listeners.push(network.listen(hostname, this.#port, accept));
  }

  #next(action: () => Promise<void>): Promise<void> {
    const done = this.#work.then(action);
    this.#work = done.catch(() => {});
    return done;
  }
}
