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

/** A frame with a larger body has memory of its own, and leaves in a write of its own. */
const COPY_LIMIT = 16 * 1024;

/** Microtasks without a new frame after which this turn is assumed to queue no more. */
const CALM = 12;

/** With fewer requests in flight a turn has so few answers that waiting for its end saves nothing. */
const GATHER_FROM = 64;

/** A frame on its way out. */
export interface QueuedFrame {
  /** Set right before the first byte is handed over. */
  written: boolean;
  /** Set to leave the frame out, as long as nothing of it was handed over. */
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

/** A frame that has memory of its own. */
interface LargeFrame {
  readonly frame: QueuedFrame;
  readonly bytes: Uint8Array;
}

/** Frames that were queued together, and where those that are not large lie one behind the other. */
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
  /** Where bytes go. */
  wire: Pick<Wire, "write" | "endOfTurn">;
  /** Called when a write failed. */
  onError: (error: unknown) => void;
  /** Requests that wait for a response. */
  inFlight?: () => number;
}

/**
 * The one writer of a connection. Frames that are queued by the same turn of the event loop, or while
 * a write is under way, leave in one write. A write often ends before the turn does, so where much is
 * under way the next one waits for that end: one for each answer of a turn would cost more than all
 * the rest.
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

  /** Bytes that were not taken yet. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  /** Reports whether bytes are being taken: what is queued now has to wait for that. */
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

  /** Forgets what is queued. */
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

  /** Waits until the answers of this turn have made what they make, or it is enough for a write. */
  async #gather(): Promise<void> {
    for (let seen = 0, calm = 0; calm < CALM && this.#bytes < WRITE_LIMIT; calm++) {
      if (seen !== this.#bytes) calm = 0;
      seen = this.#bytes;
      await null;
    }
  }

  /** Writes the frames that were not cancelled, as many at once as lie together and may. */
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
