import { concat } from "../../bytes.ts";
import type { Clock } from "../../clock.ts";
import { FrameDecoder, type RemotingCommand } from "../../remoting/mod.ts";
import type { Transport } from "../../transport/mod.ts";

/** Bytes waiting to be written, from which on nothing more is read. */
const PAUSE_AT = 16 * 1024 * 1024;

/** Bytes waiting to be written, from which on a connection is not chosen for a check-back. */
const BUSY_AT = 64 * 1024;

/** Bytes that are copied together for one write. */
const COALESCE_LIMIT = 64 * 1024;

/** What a connection needs to know of its server. */
export interface ServerConnectionOptions {
  /** The bytes. */
  transport: Transport;
  /** `host:port` of the client. */
  remote: string;
  /** For idleness. */
  clock: Clock;
  /** Takes each command of the client. */
  onCommand(command: RemotingCommand, connection: ServerConnection): void;
  /** Is told once that the connection is over. */
  onEnd(connection: ServerConnection): void;
}

/** The server's end of a connection. Bytes that are no frame end it without an answer. */
export class ServerConnection {
  /** `host:port` of the client. */
  readonly remote: string;
  /** Resolves when it is over and nothing of it goes on. */
  readonly finished: Promise<void>;
  readonly #options: ServerConnectionOptions;
  readonly #decoder = new FrameDecoder();
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #frames: Uint8Array[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> | undefined;
  #isOpen = true;
  #lastActivity: number;

  constructor(options: ServerConnectionOptions) {
    this.#options = options;
    this.remote = options.remote;
    this.#lastActivity = options.clock.monotonic();
    this.#reader = options.transport.readable.getReader();
    this.#writer = options.transport.writable.getWriter();
    this.#writer.closed.catch(() => {});
    this.finished = this.#read();
  }

  /** Whether frames can be sent on it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether it is open and its client keeps up. */
  get isWritable(): boolean {
    return this.#isOpen && this.#pendingBytes < BUSY_AT;
  }

  /** When it was last used, on the monotonic clock. */
  get lastActivity(): number {
    return this.#lastActivity;
  }

  /** Sends bytes; after the end of the connection they are dropped. */
  send(bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#frames.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#writing ??= this.#write();
  }

  /** Sends bytes and ends the connection behind them. */
  async sendLast(bytes: Uint8Array): Promise<void> {
    this.send(bytes);
    await this.#writing;
    this.close();
  }

  /** Ends it at once. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#frames = [];
    this.#reader.cancel().catch(() => {});
    this.#writer.abort().catch(() => {});
    this.#options.transport.close();
    this.#options.onEnd(this);
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done || !this.#isOpen) break;
        this.#lastActivity = this.#options.clock.monotonic();
        this.#decoder.pushInto(value, (command) => {
          if (this.#isOpen) this.#options.onCommand(command, this);
        });
        if (this.#pendingBytes > PAUSE_AT) await this.#writing;
      }
    } catch {
      // A broken frame or a broken connection: either way the end, without an answer.
    }
    this.close();
    await this.#writing;
  }

  async #write(): Promise<void> {
    await Promise.resolve();
    try {
      while (this.#frames.length > 0) {
        const bytes = this.#take();
        await this.#writer.write(bytes);
        this.#pendingBytes -= bytes.length;
        this.#lastActivity = this.#options.clock.monotonic();
      }
    } catch {
      this.close();
    } finally {
      this.#writing = undefined;
    }
  }

  /** The next bytes to write: one large frame, or small ones together. */
  #take(): Uint8Array {
    let count = 0, size = 0;
    for (const { length } of this.#frames) {
      if (count > 0 && size + length > COALESCE_LIMIT) break;
      size += length;
      count++;
    }
    const group = this.#frames.splice(0, count);
    return count === 1 ? group[0]! : concat(group);
  }
}
