/** What an embedded cluster has counted since it was made, over all its brokers. */
export interface EmbeddedBrokerStats {
  /** Messages that were sent and stored, half messages and those of batches among them. */
  sends: number;
  /** Half messages among them. */
  halves: number;
  /** Commits that were taken; each made a message visible. */
  commits: number;
  /** Rollbacks that were taken. */
  rollbacks: number;
  /** Verdicts that said *unknown*. */
  unknowns: number;
  /** Commits and rollbacks that were refused. */
  refusedVerdicts: number;
  /** Check-backs that were sent. */
  checks: number;
  /** Check-backs that were due while nobody of the group was connected. */
  missedChecks: number;
  /** Half messages that were given up. */
  giveUps: number;
  /** Half messages that are undecided now. */
  undecided: number;
  /** Requests that came in, to the name server too. */
  requests: number;
  /** Connections that are open now, those to the name server among them. */
  connections: number;
  /** Connections that were ever made. */
  connectionsOpened: number;
  /** Bytes of all stored records. */
  storedBytes: number;
}

/** The part of the statistics that only goes up. */
export type Counters = Omit<EmbeddedBrokerStats, "undecided" | "connections" | "storedBytes">;

/** Counters at their beginning. */
export function newCounters(): Counters {
  return {
    sends: 0,
    halves: 0,
    commits: 0,
    rollbacks: 0,
    unknowns: 0,
    refusedVerdicts: 0,
    checks: 0,
    missedChecks: 0,
    giveUps: 0,
    requests: 0,
    connectionsOpened: 0,
  };
}
