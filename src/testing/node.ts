/** A server of an embedded cluster: the name server, or a broker. */
export interface Node {
  /** Its name: `nameServer`, or that of the broker. */
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
  /** Connections that are open. */
  readonly connectionCount: number;
  /** Starts it: at first on the port asked for, later where it was, with what it stored. */
  start(): Promise<void>;
  /** Stops it in order. */
  stop(): Promise<void>;
  /** Stops it as a crash would: what it had in memory only is lost. */
  kill(): Promise<void>;
  /** Lets connections come in again. */
  acceptConnections(): Promise<void>;
  /** Refuses new connections. */
  refuseConnections(): Promise<void>;
  /** Ends the connections that are there. */
  disconnect(): Promise<void>;
}
