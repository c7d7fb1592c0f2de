import type { Clock } from "../clock.ts";
import { ConnectionError, describe } from "../errors.ts";
import type { ThrottledLogger } from "../logger.ts";
import {
  FrameDecoder,
  type FrameLimits,
  isResponse,
  OtherProtocolError,
  type RemotingCommand,
  type RemotingRequest,
  requestName,
} from "../remoting/internal.ts";
import type {
  ConnectionEnd,
  ConnectionStats,
  PrepareRequest,
  Probe,
  RequestOptions,
  ServerRequestAnswer,
} from "./connection_types.ts";
import { PeerWatch } from "./peer_watch.ts";
import {
  notifySettled,
  PendingRequests,
  type RequestFacts,
  type RequestFailure,
} from "./pending_requests.ts";
import { ServerRequests } from "./server_requests.ts";
import { openWire, type Transport, type Wire } from "./transport.ts";
import { Frame, WriteQueue } from "./write_queue.ts";

/**
 * Takes a request that the server sent. The reader calls it, so it must return immediately: what takes
 * time goes on behind the promise. Only a two-way request is answered.
 */
export type ServerRequestHandler = (
  command: RemotingCommand,
  connection: Connection,
) => ServerRequestAnswer | void | Promise<ServerRequestAnswer | void>;

/** The settings of a connection. */
export interface ConnectionOptions {
  /** `host:port` of the peer, for errors and logs. */
  address: string;
  /** Time for deadlines. */
  clock: Clock;
  /** Log for oddities of peers. Connections share it, so that one that comes and goes can't flood it. */
  warnings: ThrottledLogger;
  /** Handlers of server-sent requests, by request code. */
  handlers?: ReadonlyMap<number, ServerRequestHandler>;
  /** The last step before a request is encoded. */
  prepare?: PrepareRequest | undefined;
  /** Bounds of the frames that are accepted. */
  limits?: FrameLimits;
  /** Most requests that wait for an answer at the same time. @default {65535} */
  maxInFlight?: number;
  /** Most bytes that wait to be written. @default {67108864} */
  maxPendingBytes?: number;
  /**
   * Milliseconds within which a frame that has begun must be whole. A large one may take longer while
   * at least 64 KiB of it come in each such time.
   *
   * @default {30000}
   */
  frameTimeout?: number;
  /**
   * Sent when a request timed out and nothing came meanwhile. If nothing comes in answer either, the
   * connection ends. Without a probe, silence never ends it.
   */
  probe?: Probe;
}

/** Responses in a row to requests that were never sent, after which the connection ends. */
const MAX_UNMATCHED_IN_A_ROW = 100;

/**
 * A connection to one server. It numbers requests, matches responses with them, and keeps the
 * deadlines. It passes requests of the server to their handlers. When it ends, it fails everything that
 * waits. It always reads on, whatever a handler does.
 */
export class Connection {
  /** `host:port` of the peer. */
  readonly address: string;
  /** Host of this end, if there is one. */
  readonly localHost?: string;
  /** Resolves when the connection is over, with the reason. Never rejects. */
  readonly closed: Promise<ConnectionEnd>;

  readonly #wire: Wire;
  /** `true` if the transport says that others can read it. */
  readonly #isPlain: boolean;
  readonly #prepare: PrepareRequest | undefined;
  readonly #maxInFlight: number;
  readonly #maxPendingBytes: number;
  readonly #pending: PendingRequests;
  readonly #writes: WriteQueue;
  readonly #serverRequests: ServerRequests;
  readonly #watch: PeerWatch;
  readonly #decoder: FrameDecoder;
  readonly #resolveClosed: (end: ConnectionEnd) => void;
  #end: ConnectionEnd | undefined;
  #late = 0;
  #unmatched = 0;
  #unmatchedInARow = 0;
  #peerVersion = 0;

  constructor(transport: Transport | Wire, options: ConnectionOptions) {
    this.#wire = openWire(transport);
    this.#isPlain = transport.encrypted === false;
    this.address = options.address;
    if (transport.localHost !== undefined) this.localHost = transport.localHost;
    this.#prepare = options.prepare;
    this.#maxInFlight = options.maxInFlight ?? 65_535;
    this.#maxPendingBytes = options.maxPendingBytes ?? 64 * 1024 * 1024;
    this.#decoder = new FrameDecoder(options.limits);
    this.#pending = new PendingRequests({
      clock: options.clock,
      makeError: (...facts) => this.#failure(...facts),
      onMissed: ({ readCount }) => this.#watch.onTimeout(readCount),
      readCount: () => this.#watch.readCount,
    });
    const { promise, resolve } = Promise.withResolvers<ConnectionEnd>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#writes = new WriteQueue({
      wire: this.#wire,
      inFlight: () => this.#pending.size,
      onError: (cause) =>
        this.#finish({ by: "fault", reason: `writing failed: ${describe(cause)}`, cause }),
    });
    const { handlers } = options;
    this.#serverRequests = new ServerRequests({
      address: this.address,
      handlerOf: (code) => {
        const handler = handlers?.get(code);
        return handler && ((command) => handler(command, this));
      },
      warnings: options.warnings,
      answer: (answer) => {
        if (this.#end || this.#writes.pendingBytes > this.#maxPendingBytes) return;
        this.#writes.push(new Frame(), answer);
      },
    });
    this.#watch = new PeerWatch({
      clock: options.clock,
      frameTimeout: options.frameTimeout ?? 30_000,
      probe: options.probe,
      send: ({ request, timeout }) => void this.request(request(), { timeout }).catch(() => {}),
      onDead: (reason) => this.#finish({ by: "fault", reason }),
    });
    this.#read();
  }

  /** Reports whether requests can be sent on it. */
  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** Returns the `version` in the peer's last response, 0 before the first one. */
  get peerVersion(): number {
    return this.#peerVersion;
  }

  /** Returns the counters as they are now. */
  stats(): ConnectionStats {
    return {
      inFlight: this.#pending.size,
      lateResponses: this.#late,
      unmatchedResponses: this.#unmatched,
      unknownRequests: this.#serverRequests.unknown,
      pendingBytes: this.#writes.pendingBytes,
    };
  }

  /**
   * Sends a request and waits for its response, whatever its code is.
   *
   * @throws {ConnectionError} when the connection ends, the deadline passes, the signal aborts or
   * a bound is reached. Its `written` says whether the server may have seen the request.
   */
  request(request: RemotingRequest, options: RequestOptions): Promise<RemotingCommand> {
    return this.#send(request, options, true) as Promise<RemotingCommand>;
  }

  /**
   * Sends a one-way request. Resolves when its bytes were handed to the stream, which says nothing
   * about the server.
   *
   * @throws {ConnectionError} when the connection ends, the deadline passes, the signal aborts or a
   * bound is reached before that. Its `written` says whether the server may have seen a part of it.
   */
  oneway(request: RemotingRequest, options: RequestOptions): Promise<void> {
    return this.#send(request, options, false) as Promise<undefined>;
  }

  /**
   * Queues a one-way request that leaves before this turn of the event loop is over. Returns `false` if
   * that can't be promised. Use `oneway()` then.
   *
   * @throws {ConnectionError} when the connection has ended, or a bound is reached.
   */
  post(request: RemotingRequest): boolean {
    if (this.#prepare || this.#writes.isWriting) return false;
    this.#admit(request);
    this.#writes.pushRequest(new Frame(), request, this.#pending.takeOpaque(), true);
    this.#pending.countOneway();
    return true;
  }

  /** Ends the connection. Everything that waits on it fails immediately. `closed` has the reason. */
  close(reason = "closed by this client"): void {
    this.#finish({ by: "local", reason });
  }

  #send(
    request: RemotingRequest,
    options: RequestOptions,
    isAnswered: boolean,
  ): Promise<RemotingCommand | undefined> {
    try {
      return this.#begin(request, options, isAnswered);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #begin(
    request: RemotingRequest,
    options: RequestOptions,
    isAnswered: boolean,
  ): Promise<RemotingCommand | undefined> {
    this.#admit(request, options.signal);
    const prepared = this.#prepare?.(request, this.address, !isAnswered);
    const opaque = this.#pending.takeOpaque();
    const leaving = prepared?.request ?? request;
    const { readCount } = this.#watch, { code } = request;
    const pending = this.#pending.create({ opaque, code, isAnswered, readCount }, options);
    const end = prepared?.onSettled ? notifySettled(pending.end, prepared.onSettled) : pending.end;
    try {
      this.#writes.pushRequest(pending, leaving, opaque, !isAnswered);
      this.#pending.enter(pending);
    } catch (error) {
      pending.fail(error);
    }
    return end;
  }

  #admit(request: RemotingRequest, signal?: AbortSignal): void {
    const unsent = { code: request.code, written: false };
    if (this.#end) throw this.#failure("CONNECTION_LOST", unsent, this.#end.reason);
    if (signal?.aborted) {
      throw this.#failure("ABORTED", unsent, "the caller aborted it", signal.reason);
    }
    if (this.#pending.size >= this.#maxInFlight) {
      const reason = `${this.#maxInFlight} requests are in flight, wait for some of them`;
      throw this.#failure("OVERLOADED", unsent, reason);
    }
    const waiting = this.#writes.pendingBytes;
    if (waiting > 0 && waiting + (request.body?.length ?? 0) > this.#maxPendingBytes) {
      const reason =
        `${waiting} bytes wait to be written, at most ${this.#maxPendingBytes} may: wait for some of them`;
      throw this.#failure("OVERLOADED", unsent, reason);
    }
  }

  #failure(
    failure: RequestFailure,
    request: RequestFacts,
    reason: string,
    cause?: unknown,
  ): ConnectionError {
    return new ConnectionError(
      failure,
      `Cannot complete ${requestName(request.code)} to ${this.address}: ${reason}`,
      {
        address: this.address,
        written: request.written,
        isRetriable: failure !== "ABORTED" && !(cause instanceof OtherProtocolError),
        ...(cause === undefined ? {} : { cause }),
      },
    );
  }

  /** Explains why a peer may have ended a plain connection on which it has sent nothing. */
  #whySilent(): string {
    if (this.#watch.readCount > 0 || !this.#isPlain) return "";
    return " before it had sent anything, as one does that demands TLS: " +
      "if tls.server.mode is enforcing there, set the option tls";
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const bytes = await this.#wire.read();
        if (this.#end) return;
        if (!bytes) break;
        let decoded = false;
        this.#decoder.pushInto(bytes, (command) => {
          decoded = true;
          if (this.#end) return;
          // A frame that came in pieces has its own memory already.
          const isView = command.body.length > 0 && command.body.buffer === bytes.buffer;
          if (isView && this.#wire.reusesMemory) command.body = command.body.slice();
          this.#dispatch(command);
        });
        this.#watch.onBytes(bytes.length, decoded, this.#decoder.buffered > 0);
      }
      const cut = this.#decoder.buffered;
      const where = cut ? ` ${cut} bytes into a frame` : this.#whySilent();
      this.#finish({ by: "peer", reason: `the peer closed the connection${where}` });
    } catch (cause) {
      const reason = `reading failed: ${describe(cause)}${this.#whySilent()}`;
      this.#finish({ by: "fault", reason, cause });
    }
  }

  #dispatch(command: RemotingCommand): void {
    if (!isResponse(command)) return this.#serverRequests.serve(command);
    this.#peerVersion = command.version;
    switch (this.#pending.settle(command)) {
      case "settled":
        this.#unmatchedInARow = 0;
        return;
      case "late":
        this.#late++;
        return;
    }
    this.#unmatched++;
    if (++this.#unmatchedInARow < MAX_UNMATCHED_IN_A_ROW) return;
    const reason = `the peer sent ${MAX_UNMATCHED_IN_A_ROW} responses in a row that fit no request`;
    this.#finish({ by: "fault", reason });
  }

  #finish(end: ConnectionEnd): void {
    if (this.#end) return;
    this.#end = end;
    this.#watch.stop();
    this.#pending.failAll(end.reason, end.cause);
    this.#writes.stop();
    this.#resolveClosed(end);
    closeQuietly(this.#wire);
  }
}

/**
 * Closes what a dialer opened, and ignores what that throws or rejects with: it is code of the user. A
 * bare `Deno.Conn`, for instance, throws if its streams have closed it already.
 */
export async function closeQuietly(closable: { close(): unknown }): Promise<void> {
  try {
    await closable.close();
  } catch {
    // The connection is over either way.
  }
}
