import type { RemotingCommand, RemotingRequest } from "../remoting/mod.ts";

/** The answer of a handler to a request that the server sent. */
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

/** A harmless request that every live server answers in some way. */
export interface Probe {
  /** Makes the request. */
  request: () => RemotingRequest;
  /** Milliseconds within which anything has to arrive. */
  timeout: number;
}

/**
 * Turns a request into the one that leaves. `onSettled` takes the response, the error, or nothing if the
 * request was one-way and was written. It must not throw.
 */
export type PrepareRequest = (
  request: RemotingRequest,
  address: string,
  oneway: boolean,
) => {
  readonly request: RemotingRequest;
  readonly onSettled?: (end: RemotingCommand | Error | undefined) => void;
};

/** The settings of one request. */
export interface RequestOptions {
  /** Milliseconds to wait for the response. */
  timeout: number;
  /** The current monotonic time, if the caller has just read it. */
  now?: number;
  /** Ends the wait. A request that has left can't be recalled. */
  signal?: AbortSignal | undefined;
}

/** The end of a connection. */
export interface ConnectionEnd {
  /** Ended by this side, by the peer in an orderly way, or by a fault. */
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
  /** Responses to requests that had timed out, were aborted, or are one-way. */
  lateResponses: number;
  /** Responses that fit no request of this connection. */
  unmatchedResponses: number;
  /** Server-sent requests of a code without a handler. */
  unknownRequests: number;
  /** Bytes that wait to be written. */
  pendingBytes: number;
}
