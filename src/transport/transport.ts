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
