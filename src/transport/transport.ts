/**
 * A pair of byte streams to a peer: a TCP or TLS connection, or two crossed streams in memory.
 * Everything above it needs no more than this.
 */
export interface Transport {
  /** The bytes that come from the peer. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Where bytes for the peer go. */
  readonly writable: WritableStream<Uint8Array>;
  /** Host of this end, where there is one: `127.0.0.1`. */
  readonly localHost?: string;
  /**
   * The calls below the streams, where they cost less: then these are used, and the streams are
   * not touched. Those that this module dials have it as a property that is not enumerable, so
   * `{ ...transport, writable }` goes through its own stream.
   */
  readonly raw?: RawTransport;
  /** Whether others on the way can't read it; absent when that is not known. */
  readonly encrypted?: boolean;
  /** Ends both directions at once. Calling it again does nothing. */
  close(): void;
}

/** Reads and writes without streams. */
export interface RawTransport {
  /** Reads into `memory` what is there, and gives its size; null at the end. */
  read(memory: Uint8Array): Promise<number | null>;
  /** Hands bytes over and gives how many were taken; the memory may be used again then. */
  write(bytes: Uint8Array): Promise<number>;
  /**
   * Waits for the end of this turn of the event loop. Where many requests are under way, what comes
   * up until then leaves in one write; without it a write follows as soon as the one before is done.
   */
  endOfTurn?(): Promise<void>;
}

/** The settings of one dial. */
export interface DialOptions {
  /** Aborts the dial, not the connection that it gave. */
  signal: AbortSignal;
}

/** Opens a transport to an address. Rejects when it can't; never resolves after its signal aborted. */
export type Dialer = (host: string, port: number, options: DialOptions) => Promise<Transport>;

/** Hands bytes over; resolves when all were taken, and the memory may be written to again. */
type WriteBytes = (bytes: Uint8Array) => Promise<unknown>;

/** The two directions of a transport as a connection uses them. */
export interface Wire {
  /** The next bytes, which are good until the next call; undefined at the end. */
  read(): Promise<Uint8Array | undefined>;
  /** Whether memory that `read()` gave is written to again. */
  readonly reusesMemory: boolean;
  /** Hands bytes over. */
  readonly write: WriteBytes;
  /** Waits for the end of this turn of the event loop, where that gathers more for one write. */
  readonly endOfTurn?: (() => Promise<void>) | undefined;
  /** Ends both directions. */
  close(): void;
}

/** Bytes that are read at most at once from a raw transport. */
const READ_SIZE = 64 * 1024;

/** Opens the directions of a transport: its raw calls where it has them, otherwise its streams. */
export function openWire(transport: Transport): Wire {
  return transport.raw ? rawWire(transport, transport.raw) : streamWire(transport);
}

function rawWire(transport: Transport, raw: NonNullable<Transport["raw"]>): Wire {
  const memory = new Uint8Array(READ_SIZE);
  let isMoreThere = false;
  return {
    reusesMemory: true,
    async read() {
      // What is there is read at once: without a pause nothing else would come to its turn.
      if (isMoreThere) await raw.endOfTurn?.();
      const size = await raw.read(memory);
      isMoreThere = size === READ_SIZE;
      return size === null ? undefined : memory.subarray(0, size);
    },
    async write(bytes) {
      for (let at = 0; at < bytes.length;) {
        const taken = await raw.write(at === 0 ? bytes : bytes.subarray(at));
        if (!(taken > 0)) {
          throw new Error(`the transport took ${taken} bytes of ${bytes.length - at}`);
        }
        at += taken;
      }
    },
    endOfTurn: raw.endOfTurn && (() => raw.endOfTurn!()),
    close: () => transport.close(),
  };
}

function streamWire(transport: Transport): Wire {
  const reader = transport.readable.getReader(), writer = transport.writable.getWriter();
  writer.closed.catch(() => {});
  return {
    reusesMemory: false,
    async read() {
      const { value, done } = await reader.read();
      return done ? undefined : value;
    },
    // Whoever reads a stream may keep what was written to it, so it is not used again.
    write: (bytes) => writer.write(bytes.slice()),
    close() {
      writer.abort().catch(() => {});
      reader.cancel().catch(() => {});
      transport.close();
    },
  };
}
