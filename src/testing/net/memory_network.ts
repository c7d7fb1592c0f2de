import { formatAddress } from "../../route/mod.ts";
import type { Dialer, Transport } from "../../transport/mod.ts";
import { createStreamPair } from "./stream_pair.ts";

/** Takes a connection that came in: its bytes, and `host:port` of the other end. */
export type Acceptor = (transport: Transport, remote: string) => void;

/** Something that connections come in at, until it is closed. */
export interface Listener {
  /** Port that it listens on. */
  readonly port: number;
  /** Takes no more connections. Those that were made live on. */
  close(): Promise<void>;
}

/** Nothing listens at an address. */
class ConnectionRefused extends Error {
  override name = "ConnectionRefused";
}

/** First and last port that a client in memory seems to come from. */
const CLIENT_PORTS = { first: 32_768, last: 60_999 } as const;

/** First port that is given to a server in memory which asks for none. */
const FIRST_SERVER_PORT = 10_911;

/** Addresses within one embedded cluster, reached without a socket. */
export class MemoryNetwork {
  readonly #acceptors = new Map<string, Acceptor>();
  #clientPort: number = CLIENT_PORTS.first;
  #serverPort = FIRST_SERVER_PORT;

  /** Connects to an address of this network. Needs no permission. */
  readonly dialer: Dialer = (host, port, { signal }) => {
    const accept = this.#acceptors.get(formatAddress({ host: canonical(host), port }));
    if (signal.aborted) return Promise.reject(signal.reason);
    if (!accept) {
      return Promise.reject(
        new ConnectionRefused(`nothing listens on ${host}:${port} of the embedded cluster`),
      );
    }
    const [near, far] = createStreamPair();
    accept(far, `127.0.0.1:${this.#takeClientPort()}`);
    return Promise.resolve(near);
  };

  /** Lets connections to an address come in. */
  listen(hostname: string, port: number, accept: Acceptor): Listener {
    const address = formatAddress({ host: canonical(hostname), port });
    this.#acceptors.set(address, accept);
    return {
      port,
      close: () => {
        this.#acceptors.delete(address);
        return Promise.resolve();
      },
    };
  }

  /** A port that no server has yet. */
  takePort(): number {
    return this.#serverPort++;
  }

  #takeClientPort(): number {
    const port = this.#clientPort++;
    if (this.#clientPort > CLIENT_PORTS.last) this.#clientPort = CLIENT_PORTS.first;
    return port;
  }
}

function canonical(host: string): string {
  return host === "localhost" ? "127.0.0.1" : host;
}
