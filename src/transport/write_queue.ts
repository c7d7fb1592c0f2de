import { concat } from "@std/bytes/concat";

/** Most bytes that are copied together for one write; a larger frame goes alone. */
const COALESCE_LIMIT = 64 * 1024;

/** A frame on its way out. */
export interface QueuedFrame {
  /** The whole frame. */
  readonly bytes: Uint8Array;
  /** Called right before the first byte is handed to the stream. */
  readonly onWrite?: () => void;
  /** Called when the stream has taken all of it. */
  readonly onWritten?: () => void;
  /** Called when the queue was stopped before the stream had taken all of it. */
  readonly onLost?: () => void;
  /** Set to leave the frame out, as long as it has not been handed over. */
  cancelled?: boolean;
}

/**
 * The one writer of a connection. Frames queued in the same turn of the event loop, or while a
 * write is under way, leave in one write.
 */
export class WriteQueue {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #onError: (error: unknown) => void;
  #frames: QueuedFrame[] = [];
  #bytes = 0;
  #writing: readonly QueuedFrame[] = [];
  #flushing = false;
  #stopped = false;

  constructor(writable: WritableStream<Uint8Array>, onError: (error: unknown) => void) {
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {});
    this.#onError = onError;
  }

  /** Bytes that the stream has not taken yet. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  push(frame: QueuedFrame): void {
    if (this.#stopped) return;
    this.#frames.push(frame);
    this.#bytes += frame.bytes.length;
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  /** Forgets what is queued and ends the stream. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    const lost = [...this.#writing, ...this.#frames];
    this.#frames = [];
    this.#bytes = 0;
    this.#writer.abort().catch(() => {});
    for (const frame of lost) frame.onLost?.();
  }

  async #flush(): Promise<void> {
    try {
      for (let group = this.#take(); group.length > 0; group = this.#take()) {
        this.#writing = group;
        for (const frame of group) frame.onWrite?.();
        const bytes = group.length === 1 ? group[0]!.bytes : concat(group.map((f) => f.bytes));
        await this.#writer.write(bytes);
        this.#writing = [];
        if (this.#stopped) return;
        this.#bytes -= bytes.length;
        for (const frame of group) frame.onWritten?.();
      }
    } catch (error) {
      if (!this.#stopped) this.#onError(error);
    } finally {
      this.#flushing = false;
    }
  }

  /** The frames of the next write, without those that were cancelled meanwhile. */
  #take(): QueuedFrame[] {
    const group: QueuedFrame[] = [];
    let size = 0, taken = 0;
    for (const frame of this.#frames) {
      if (frame.cancelled) this.#bytes -= frame.bytes.length;
      else if (size > 0 && size + frame.bytes.length > COALESCE_LIMIT) break;
      else {
        group.push(frame);
        size += frame.bytes.length;
      }
      taken++;
    }
    this.#frames.splice(0, taken);
    return group;
  }
}
