import { connect, createServer, type Server, type Socket } from "node:net";
import { FaultyLane, type LaneFaults } from "./faulty_lane.ts";

/** What is wrong with a network, for each direction. */
export interface NetworkFaults {
  /** Of the bytes that go to the server. */
  toServer?: LaneFaults;
  /** Of the bytes that come from it. */
  toClient?: LaneFaults;
}

/** Where a {@linkcode FaultProxy} listens, and what for. */
export interface FaultProxyOptions {
  /** `host:port` of the server. */
  target: string;
  /** Port of the proxy itself. Default: a free one. */
  port?: number;
}

/**
 * Stands between clients and one server on loopback, and treats their TCP connections as a bad
 * network does: slow, thin, cut to pieces, silent, reset. It may change at any time, also for the
 * connections that are open.
 *
 * @example
 * ```ts ignore
 * import { FaultProxy } from "./fault_proxy.ts";
 *
 * await using proxy = await FaultProxy.start({ target: "127.0.0.1:10911" });
 * proxy.impair({ toServer: { latency: 200, jitter: 100 }, toClient: { slice: 3 } });
 * proxy.reset();
 * proxy.mend();
 * ```
 */
export class FaultProxy implements AsyncDisposable {
  readonly #host: string;
  readonly #port: number;
  readonly #links = new Set<Link>();
  #faults: NetworkFaults = {};
  #server: Server | undefined;
  #ownPort: number;

  private constructor({ target, port = 0 }: FaultProxyOptions) {
    const colon = target.lastIndexOf(":");
    this.#host = target.slice(0, colon);
    this.#port = Number(target.slice(colon + 1));
    this.#ownPort = port;
  }

  /** Listens, and passes everything on as it is. */
  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    await proxy.accept();
    return proxy;
  }

  /** `host:port` to dial in place of the server's. */
  get address(): string {
    return `127.0.0.1:${this.#ownPort}`;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#links.size;
  }

  /** Makes the network like that, and forgets what it was like before. */
  impair(faults: NetworkFaults): void {
    this.#faults = faults;
    for (const link of this.#links) link.impair(faults);
  }

  /** Makes the network a good one again; what was held back goes on its way. */
  mend(): void {
    this.impair({});
  }

  /** Ends all connections with a reset (RST). */
  reset(): void {
    for (const link of [...this.#links]) link.reset();
  }

  /** Refuses new connections until {@linkcode FaultProxy.accept}; those that are open stay. */
  refuse(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** Takes new connections, on the same port as before. */
  async accept(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ allowHalfOpen: true }, (client) => this.#connect(client));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#ownPort, "127.0.0.1", resolve);
    });
    const address = server.address();
    if (address !== null && typeof address === "object") this.#ownPort = address.port;
  }

  /** Ends everything at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.refuse();
    const ends = [...this.#links].map((link) => link.ended);
    this.reset();
    await Promise.all(ends);
  }

  #connect(client: Socket): void {
    const server = connect({ host: this.#host, port: this.#port, allowHalfOpen: true });
    const link = new Link(client, server, this.#faults);
    this.#links.add(link);
    link.ended.then(() => this.#links.delete(link));
  }
}

/** One client and its connection to the server. */
class Link {
  /** Resolves when both sockets are closed. */
  readonly ended: Promise<unknown>;
  readonly #sockets: readonly Socket[];
  readonly #toServer: FaultyLane;
  readonly #toClient: FaultyLane;

  constructor(client: Socket, server: Socket, faults: NetworkFaults) {
    this.#sockets = [client, server];
    const reset = () => this.reset();
    this.#toServer = new FaultyLane(client, server, reset, faults.toServer);
    this.#toClient = new FaultyLane(server, client, reset, faults.toClient);
    for (const socket of this.#sockets) {
      socket.setNoDelay(true);
      socket.on("error", reset);
    }
    this.ended = Promise.all(
      this.#sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve))),
    );
  }

  impair(faults: NetworkFaults): void {
    this.#toServer.impair(faults.toServer);
    this.#toClient.impair(faults.toClient);
  }

  reset(): void {
    this.#toServer.stop();
    this.#toClient.stop();
    for (const socket of this.#sockets) {
      if (socket.connecting) socket.destroy();
      else if (!socket.destroyed) socket.resetAndDestroy();
    }
  }
}
