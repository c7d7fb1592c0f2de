import {
  createRequest,
  encodeCommand,
  FrameBuffer,
  type RemotingCommand,
  type RemotingRequest,
} from "../remoting/internal.ts";
import type { Wire } from "./transport.ts";

/** Most bytes that leave in one write. */
const WRITE_LIMIT = 64 * 1024;

/** A frame with a larger body has its own memory, and leaves in its own write. */
const COPY_LIMIT = 16 * 1024;

/** Microtasks without a new frame after which this turn is assumed to queue no more. */
const CALM = 12;

/** With at most so many requests in flight, waiting for the end of a turn saves nothing. */
const GATHER_FROM = 64;

/** A frame on its way out. */
export interface QueuedFrame {
  /** Set right before the first byte is handed over. */
  written: boolean;
  /** Set to leave the frame out, while nothing of it was handed over. */
  readonly cancelled: boolean;
  /** Its bytes. The queue sets it. */
  size: number;
  /** Called when all of it was taken. */
  readonly onWritten?: (() => void) | undefined;
}

/** A frame that nobody waits for. */
export class Frame implements QueuedFrame {
  written = false;
  readonly cancelled = false;
  size = 0;
  readonly onWritten = undefined;
}

/** A frame that has its own memory. */
interface LargeFrame {
  readonly frame: QueuedFrame;
  readonly bytes: Uint8Array;
}

/** Frames that were queued together. Those that are not large lie one after another in its buffer. */
class Batch {
  readonly frames: QueuedFrame[] = [];
  readonly large: LargeFrame[] = [];
  readonly buffer = new FrameBuffer();

  add(frame: QueuedFrame, command: RemotingCommand): void {
    if (command.body.length > COPY_LIMIT) return this.#addLarge(frame, command);
    frame.size = this.buffer.append(command);
    this.frames.push(frame);
  }

  addRequest(frame: QueuedFrame, request: RemotingRequest, opaque: number, oneway: boolean): void {
    if (request.body && request.body.length > COPY_LIMIT) {
      return this.#addLarge(frame, createRequest(request, opaque, oneway));
    }
    frame.size = this.buffer.appendRequest(request, opaque, oneway);
    this.frames.push(frame);
  }

  #addLarge(frame: QueuedFrame, command: RemotingCommand): void {
    const bytes = encodeCommand(command);
    frame.size = bytes.length;
    this.large.push({ frame, bytes });
    this.frames.push(frame);
  }

  clear(): void {
    this.frames.length = 0;
    this.large.length = 0;
    this.buffer.clear();
  }
}

/** The settings of a queue. */
interface WriteQueueOptions {
  /** Takes the bytes. */
  wire: Pick<Wire, "write" | "endOfTurn">;
  /** Called when a write failed. */
  onError: (error: unknown) => void;
  /** Requests that wait for a response. */
  inFlight?: () => number;
}

/**
 * The one writer of a connection. Frames that are queued in the same turn of the event loop, or while a
 * write is under way, leave in one write. A write often ends before its turn. If much is under way, the
 * next write waits for the end of the turn: one write for each answer would cost more than all the rest.
 */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  #queued = new Batch();
  #spare = new Batch();
  #bytes = 0;
  #flushing = false;
  #writing = false;
  #stopped = false;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /** Returns the bytes that were not taken yet. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  /** Reports whether a write is under way. What is queued now has to wait for it. */
  get isWriting(): boolean {
    return this.#writing;
  }

  /** Queues the frame of a command. @throws {InvalidArgumentError} when it can't be encoded. */
  push(frame: QueuedFrame, command: RemotingCommand): void {
    if (this.#stopped) return;
    this.#queued.add(frame, command);
    this.#schedule(frame);
  }

  /** Queues the frame of a request. @throws {InvalidArgumentError} when it can't be encoded. */
  pushRequest(
    frame: QueuedFrame,
    request: RemotingRequest,
    opaque: number,
    oneway: boolean,
  ): void {
    if (this.#stopped) return;
    this.#queued.addRequest(frame, request, opaque, oneway);
    this.#schedule(frame);
  }

  #schedule({ size }: QueuedFrame): void {
    this.#bytes += size;
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  /** Drops what is queued. */
  stop(): void {
    this.#stopped = true;
    this.#bytes = 0;
  }

  async #flush(): Promise<void> {
    const { wire, inFlight, onError } = this.#options;
    try {
      while (this.#queued.frames.length > 0 && !this.#stopped) {
        await this.#gather();
        const batch = this.#queued;
        this.#queued = this.#spare;
        await this.#writeBatch(batch);
        batch.clear();
        this.#spare = batch;
        if (wire.endOfTurn && (inFlight?.() ?? 0) > GATHER_FROM) await wire.endOfTurn();
      }
    } catch (error) {
      if (!this.#stopped) onError(error);
    } finally {
      this.#flushing = false;
    }
  }

  /** Waits until this turn queues no more frames, or there is enough for a write. */
  async #gather(): Promise<void> {
    for (let seen = 0, calm = 0; calm < CALM && this.#bytes < WRITE_LIMIT; calm++) {
      if (seen !== this.#bytes) calm = 0;
      seen = this.#bytes;
      await null;
    }
  }

  /** Writes the frames that were not cancelled. Neighbours leave together, up to the limit of a write. */
  async #writeBatch({ frames, large, buffer }: Batch): Promise<void> {
    let at = 0, nextLarge = 0;
    for (let i = 0; i < frames.length && !this.#stopped;) {
      const first = frames[i]!, start = at;
      const own = large[nextLarge]?.frame === first ? large[nextLarge++]!.bytes : undefined;
      if (!own) at += first.size;
      const from = i++;
      if (first.cancelled) {
        this.#bytes -= first.size;
        continue;
      }
      if (!own) {
        for (; i < frames.length; i++) {
          const { cancelled, size } = frames[i]!;
          if (cancelled || large[nextLarge]?.frame === frames[i]) break;
          if (at + size - start > WRITE_LIMIT) break;
          at += size;
        }
      }
      for (let n = from; n < i; n++) frames[n]!.written = true;
      const bytes = own ?? buffer.bytesBetween(start, at);
      this.#writing = true;
      await this.#options.wire.write(bytes);
      this.#writing = false;
      if (this.#stopped) return;
      this.#bytes -= bytes.length;
      for (let n = from; n < i; n++) frames[n]!.onWritten?.();
    }
  }
}
