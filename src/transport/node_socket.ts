import type { Socket as NetSocket } from "node:net";
import type { RawTransport, Transport } from "./transport.ts";

/** Reads and writes a socket of `node:net` or `node:tls`, one read and one write at a time. */
export class NodeSocket implements RawTransport {
  readonly #socket: NetSocket;
  readonly #explain: (cause: unknown) => unknown;
  #failure: { cause: unknown } | undefined;
  #ended = false;
  /** What was read and did not fit into the memory of who asked. */
  #rest: Uint8Array | undefined;
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

  /** Reads into `memory` what is there, and gives its size; null at the end. */
  async read(memory: Uint8Array): Promise<number | null> {
    const bytes = await this.#next();
    if (!bytes) return null;
    const size = Math.min(bytes.length, memory.length);
    memory.set(bytes.subarray(0, size));
    if (size < bytes.length) this.#rest = bytes.subarray(size);
    return size;
  }

  /** Hands bytes over, all of them; resolves when the system has taken them. */
  write(bytes: Uint8Array): Promise<number> {
    if (this.#failure) return Promise.reject(this.#explain(this.#failure.cause));
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        if (error) reject(this.#explain(this.#failure?.cause ?? error));
        else resolve(bytes.length);
      });
    });
  }

  endOfTurn(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve));
  }

  /** Ends both directions. Calling it again does nothing. */
  close(): void {
    this.#socket.destroy();
  }

  /** The socket as a transport, with streams that hold nothing back. */
  asTransport(encrypted: boolean): Transport {
    const socket = this.#socket;
    const transport: Transport = {
      readable: new ReadableStream<Uint8Array>({
        pull: async (controller) => {
          const bytes = await this.#next();
          if (bytes) controller.enqueue(bytes);
          else controller.close();
        },
        cancel: () => this.close(),
      }, { highWaterMark: 0 }),
      writable: new WritableStream<Uint8Array>({
        write: async (bytes) => void await this.write(bytes),
        close: () => new Promise((resolve) => socket.end(() => resolve())),
        abort: () => this.close(),
      }),
      encrypted,
      ...(socket.localAddress === undefined ? {} : { localHost: socket.localAddress }),
      close: () => this.close(),
    };
    // Not enumerable, as that of Deno's sockets.
    const raw: RawTransport = {
      read: (memory) => this.read(memory),
      write: (bytes) => this.write(bytes),
      endOfTurn: () => this.endOfTurn(),
    };
    return encrypted ? transport : Object.defineProperty(transport, "raw", { value: raw });
  }

  /** The next bytes; undefined at the end. What came before a fault is read before it. */
  async #next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const rest = this.#rest;
      if (rest) {
        this.#rest = undefined;
        return rest;
      }
      const bytes: Uint8Array | null = this.#socket.read();
      if (bytes) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (this.#ended) return undefined;
      if (this.#failure) throw this.#explain(this.#failure.cause);
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
    }
  }
}
