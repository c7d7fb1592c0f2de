import type { Socket as NetSocket } from "node:net";
import type { Transport, Wire } from "./transport.ts";

/** Reads and writes a socket of `node:net` or `node:tls`, one read and one write at a time. */
export class NodeSocket {
  readonly #socket: NetSocket;
  readonly #explain: (cause: unknown) => unknown;
  #failure: { cause: unknown } | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  /** @param explain Makes of the socket's errors what users read. */
  constructor(socket: NetSocket, explain: (cause: unknown) => unknown) {
    this.#socket = socket;
    this.#explain = explain;
    const wake = () => this.#wake?.();
    socket.on("readable", wake);
    socket.on("end", () => {
      this.#ended = true;
      wake();
    });
    socket.on("error", (cause) => {
      this.#failure ??= { cause };
      wake();
    });
    socket.on("close", () => {
      this.#failure ??= { cause: new Error("the connection is closed") };
      wake();
    });
  }

  /** Hands bytes over, all of them; resolves when the system has taken them. */
  write(bytes: Uint8Array): Promise<void> {
    if (this.#failure) return Promise.reject(this.#explain(this.#failure.cause));
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) reject(this.#explain(this.#failure?.cause ?? error));
        else resolve();
      });
    });
  }

  /** Ends both directions. Calling it again does nothing. */
  close(): void {
    this.#socket.destroy();
  }

  /** The socket as a transport, with streams that hold nothing back. */
  asTransport(encrypted: boolean): Transport {
    const socket = this.#socket;
    return {
      readable: new ReadableStream<Uint8Array>({
        pull: async (controller) => {
          const bytes = await this.#next();
          if (bytes) controller.enqueue(bytes);
          else controller.close();
        },
        cancel: () => this.close(),
      }, { highWaterMark: 0 }),
      writable: new WritableStream<Uint8Array>({
        write: (bytes) => this.write(bytes),
        close: () => new Promise((resolve) => socket.end(() => resolve())),
        abort: () => this.close(),
      }),
      encrypted,
      ...this.#localHost(),
      close: () => this.close(),
    };
  }

  /** The socket as a wire, which takes what it reads and writes as it is. */
  asWire(encrypted: boolean): Wire {
    return {
      ...this.#localHost(),
      encrypted,
      reusesMemory: false,
      read: () => this.#next(),
      write: (bytes) => this.write(bytes),
      endOfTurn: () => new Promise((resolve) => void setImmediate(resolve)),
      close: () => this.close(),
    };
  }

  #localHost(): { localHost?: string } {
    const { localAddress } = this.#socket;
    return localAddress === undefined ? {} : { localHost: localAddress };
  }

  /** Reads the next bytes; undefined at the end. What came before a fault is read before it. */
  async #next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const bytes: Uint8Array | null = this.#socket.read();
      if (bytes) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (this.#ended) return undefined;
      if (this.#failure) throw this.#explain(this.#failure.cause);
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
  }
}
