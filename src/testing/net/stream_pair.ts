import type { Transport } from "../../transport/mod.ts";

/** Bytes that one direction holds before its writer has to wait. */
const CAPACITY = 64 * 1024;

/** One direction of a connection in memory. */
class Pipe {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  #reads!: ReadableStreamDefaultController<Uint8Array>;
  #writes!: WritableStreamDefaultController;
  #wake: (() => void) | undefined;
  #open = true;

  constructor() {
    this.readable = new ReadableStream({
      start: (controller) => void (this.#reads = controller),
      pull: () => this.#wake?.(),
      cancel: () => this.close(),
    }, { highWaterMark: CAPACITY, size: (chunk) => chunk.length });
    this.writable = new WritableStream({
      start: (controller) => void (this.#writes = controller),
      write: (chunk) => this.#write(chunk),
      close: () => this.close(),
      abort: () => this.close(),
    });
  }

  /** Ends it: what was written can still be read, and nothing more can be written. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      this.#reads.close();
    } catch {
      // It was cancelled: nobody reads any more.
    }
    this.#writes.error(new BrokenPipe());
    this.#wake?.();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    if (!this.#open) throw new BrokenPipe();
    this.#reads.enqueue(chunk.slice());
    if ((this.#reads.desiredSize ?? 0) > 0) return;
    await new Promise<void>((resolve) => this.#wake = resolve);
    this.#wake = undefined;
  }
}

/** The other end is closed. */
class BrokenPipe extends Error {
  override name = "BrokenPipe";

  constructor() {
    super("the connection is closed");
  }
}

/**
 * Two transports, each of which reads what the other writes: a connection without a socket. Closing
 * either end ends both, as with TCP: what was written before can still be read.
 */
export function createStreamPair(): [Transport, Transport] {
  const there = new Pipe(), back = new Pipe();
  const close = () => {
    there.close();
    back.close();
  };
  return [
    { readable: back.readable, writable: there.writable, localHost: "127.0.0.1", close },
    { readable: there.readable, writable: back.writable, close },
  ];
}
