import type { Transport } from "../../src/transport/mod.ts";

/** What the server's end of a pair is told. */
export interface PeerHandlers {
  /** The client wrote. One call is one write. */
  onBytes?: (bytes: Uint8Array) => void;
  /** The client closed its end. */
  onClosed?: () => void;
}

/** The server's end of an in-memory connection. */
export interface PeerEnd {
  /** What the client wrote, write by write. */
  readonly writes: Uint8Array[];
  /** How often the client closed its end. */
  readonly closeCalls: number;
  /** Sends bytes to the client. */
  send(bytes: Uint8Array): void;
  /** Ends the stream in an orderly way, as a FIN does. */
  end(): void;
  /** Breaks the connection in both directions, as a RST does. */
  reset(message?: string): void;
  /** Lets writes of the client fail from now on. */
  refuseWrites(message: string): void;
  /** Takes no bytes any more: writes of the client do not end, as when no window is left. */
  hold(): void;
  /** Takes bytes again. */
  release(): void;
}

/** A connection in memory: what a client gets from its dialer, and the other end for the test. */
export interface StreamPair {
  /** The client's end. */
  readonly transport: Transport;
  /** The server's end. */
  readonly peer: PeerEnd;
}

/** Makes an in-memory connection. Writes of the client are seen one by one. */
export function createStreamPair(handlers: PeerHandlers = {}): StreamPair {
  const writes: Uint8Array[] = [];
  let closeCalls = 0, isOver = false;
  let failure: Error | undefined;
  let held = Promise.resolve(), letGo = () => {};
  let incoming: ReadableStreamDefaultController<Uint8Array>;
  const readable = new ReadableStream<Uint8Array>({
    start: (controller) => void (incoming = controller),
  });
  const writable = new WritableStream<Uint8Array>({
    async write(bytes): Promise<void> {
      await held;
      if (failure) throw failure;
      if (isOver) throw new Error("the connection is closed");
      writes.push(bytes);
      handlers.onBytes?.(bytes);
    },
  });
  const finish = () => {
    if (isOver) return;
    isOver = true;
    letGo();
    handlers.onClosed?.();
  };
  const transport: Transport = {
    readable,
    writable,
    localHost: "127.0.0.1",
    close(): void {
      closeCalls++;
      finish();
    },
  };
  const peer: PeerEnd = {
    writes,
    get closeCalls() {
      return closeCalls;
    },
    send(bytes): void {
      if (!isOver) incoming.enqueue(bytes);
    },
    end(): void {
      if (!isOver) incoming.close();
    },
    reset(message = "Connection reset by peer (os error 104)"): void {
      if (isOver) return;
      failure = new Deno.errors.ConnectionReset(message);
      incoming.error(failure);
      letGo();
    },
    refuseWrites(message): void {
      failure = new Deno.errors.BrokenPipe(message);
    },
    hold(): void {
      ({ promise: held, resolve: letGo } = Promise.withResolvers<void>());
    },
    release(): void {
      letGo();
    },
  };
  return { transport, peer };
}
