/** Answers a request; it never throws. */
export type HttpHandler = (request: Request) => Promise<Response>;

/** An HTTP server that runs. */
export interface HttpServer {
  /** The port that it listens on. */
  readonly port: number;
  /** Settles when it has ended. */
  readonly finished: Promise<void>;
  /** Takes no more requests, and ends when those that run are answered. */
  shutdown(): Promise<void>;
}
