/**
 * A pair of byte streams to a peer: a TCP or TLS connection, or two crossed streams in memory. The
 * client needs no more than this.
 */
export interface Transport {
  /** The bytes that come from the peer. */
  readonly readable: ReadableStream<Uint8Array>;
  /** The bytes that go to the peer. */
  readonly writable: WritableStream<Uint8Array>;
  /** Host of this end, if there is one: `127.0.0.1`. */
  readonly localHost?: string;
  /** `true` if others on the way can't read it. Absent if that is not known. */
  readonly encrypted?: boolean;
  /** Ends both directions immediately. What it throws or rejects with is ignored. */
  close(): void;
}

/** The settings of one dial. */
export interface DialOptions {
  /** Aborts the dial, not the connection that it made. */
  signal: AbortSignal;
}

/** Opens a transport to an address. Rejects if it can't. Never resolves after its signal aborted. */
export type Dialer = (host: string, port: number, options: DialOptions) => Promise<Transport>;

/** A transport as a connection uses it, with calls that cost less than streams. */
export interface Wire {
  /** See {@linkcode Transport.localHost}. */
  readonly localHost?: string;
  /** See {@linkcode Transport.encrypted}. */
  readonly encrypted?: boolean;
  /** `true` if the next call of `read()` overwrites the memory that the last one returned. */
  readonly reusesMemory: boolean;
  /** Reads the next bytes. Returns undefined at the end. */
  read(): Promise<Uint8Array | undefined>;
  /** Writes bytes. Resolves when all were taken, and their memory may be overwritten. */
  write(bytes: Uint8Array): Promise<unknown>;
  /**
   * Waits for the end of this turn of the event loop. If many requests are under way, the frames of
   * this turn leave in one write. Without it a write follows as soon as the one before is done.
   */
  endOfTurn?(): Promise<void>;
  /** Ends both directions. */
  close(): void;
}

/** Opens a wire, or a transport that becomes one. This module's own dialer for TCP opens wires. */
export type WireDialer = (
  host: string,
  port: number,
  options: DialOptions,
) => Promise<Transport | Wire>;

/** Makes a wire of what a dialer opened. */
export function openWire(transport: Transport | Wire): Wire {
  if (!("readable" in transport)) return transport;
  const reader = transport.readable.getReader(), writer = transport.writable.getWriter();
  writer.closed.catch(() => {});
  return {
    reusesMemory: false,
    async read() {
      const { value, done } = await reader.read();
      return done ? undefined : value;
    },
    // The other end of a stream may keep what was written to it, so its memory is not used again.
    write: (bytes) => writer.write(bytes.slice()),
    close() {
      writer.abort().catch(() => {});
      reader.cancel().catch(() => {});
      return transport.close();
    },
  };
}

/** Most bytes of one read. */
const READ_SIZE = 64 * 1024;

/** The calls of a socket, as `Deno.Conn` has them. */
export interface Socket {
  /** Reads into `memory` what is there, and returns its size; null at the end. */
  read(memory: Uint8Array): Promise<number | null>;
  /** Writes bytes, and returns how many were taken. */
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** Makes a wire of a socket, with one piece of memory for all reads. */
export function wireOf(
  socket: Socket,
  { endOfTurn, ...facts }: Pick<Wire, "localHost" | "encrypted" | "endOfTurn">,
): Wire {
  const memory = new Uint8Array(READ_SIZE);
  let isMoreThere = false;
  return {
    ...facts,
    ...(endOfTurn ? { endOfTurn } : {}),
    reusesMemory: true,
    async read() {
      // A read of what is there does not wait: without a pause nothing else would get its turn.
      if (isMoreThere) await endOfTurn?.();
      const size = await socket.read(memory);
      isMoreThere = size === READ_SIZE;
      return size === null ? undefined : memory.subarray(0, size);
    },
    async write(bytes) {
      for (let at = 0; at < bytes.length;) {
        const taken = await socket.write(at === 0 ? bytes : bytes.subarray(at));
        if (!(taken > 0)) {
          throw new Error(`the socket took ${taken} bytes of ${bytes.length - at}`);
        }
        at += taken;
      }
    },
    close: () => socket.close(),
  };
}
