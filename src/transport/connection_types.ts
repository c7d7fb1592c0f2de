import type { Clock } from "../clock.ts";
import type { ThrottledLogger } from "../logger.ts";
import type { FrameLimits, RemotingCommand, RemotingRequest } from "../remoting/mod.ts";
import type { Connection } from "./connection.ts";

/** What a handler answers to a request that the server sent. */
export interface ServerRequestAnswer {
  /** Response code. @default {0} */
  code?: number;
  /** Reason of a refusal. */
  remark?: string;
  /** Header fields of the response. */
  extFields?: Record<string, string>;
  /** Body of the response. */
  body?: Uint8Array;
}

/**
 * Takes a request that the server sent. It is called from the reader and must return at once; what
 * takes time goes on behind the promise. The answer is written only to a two-way request.
 */
export type ServerRequestHandler = (
  command: RemotingCommand,
  connection: Connection,
) => ServerRequestAnswer | void | Promise<ServerRequestAnswer | void>;

/** A harmless request that every server answers in some way, if it lives. */
export interface Probe {
  /** Makes the request. */
  request: () => RemotingRequest;
  /** Milliseconds within which anything has to come. */
  timeout: number;
}

/**
 * Turns a request into the one that leaves. `onSettled` takes the response, the error, or nothing when
 * the request was one-way and was written. It must not throw.
 */
export type PrepareRequest = (
  request: RemotingRequest,
  address: string,
  oneway: boolean,
) => {
  readonly request: RemotingRequest;
  readonly onSettled?: (end: RemotingCommand | Error | undefined) => void;
};

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
  /** Most requests that wait for an answer at once. @default {65535} */
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
   * Asked when a request timed out and nothing came meanwhile; when it brings nothing either, the
   * connection ends. Without it, a silent peer is kept.
   */
  probe?: Probe;
}

/** The settings of one request. */
export interface RequestOptions {
  /** Milliseconds to wait for the response. */
  timeout: number;
  /** The current monotonic time, if the caller has just read it. */
  now?: number;
  /** Ends the wait. A request that has left can't be taken back. */
  signal?: AbortSignal | undefined;
}

/** Why a connection is over. */
export interface ConnectionEnd {
  /** Who ended it: this side, the peer in an orderly way, or a fault. */
  by: "local" | "peer" | "fault";
  /** The reason in words. */
  reason: string;
  /** The fault, if it was one. */
  cause?: unknown;
}

/** Counters of a connection, for statistics and tests. */
export interface ConnectionStats {
  /** Requests that wait for an answer. */
  inFlight: number;
  /** Responses to requests that had timed out, were aborted or one-way. */
  lateResponses: number;
  /** Responses that fit no request of this connection. */
  unmatchedResponses: number;
  /** Server-sent requests of a code without a handler. */
  unknownRequests: number;
  /** Bytes that wait to be written. */
  pendingBytes: number;
}

/** An object that stands for one connection. */
export type ConnectionMark = Readonly<Record<never, never>>;
