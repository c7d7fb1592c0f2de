/** What a producer has counted since it was made, and how much it holds now. */
export interface ProducerStats extends SendCounters {
  /** Message traces that were lost: they found no room, or could not be sent. */
  droppedTraces: number;
  /** Brokers that this producer is registered with now. */
  registeredBrokers: string[];
  /** Open connections, to name servers and brokers. */
  openConnections: number;
}

/** What is counted of sends: of messages, batches, requests, replies and half messages. */
export interface SendCounters {
  /** Sends that ended well: stored, or written if nothing was awaited. */
  sends: number;
  /** Sends that ended with an error, whether a broker has the message or not. */
  sendErrors: number;
  /** Tries after the first ones. */
  sendRetries: number;
  /** Sends that are under way. */
  sendsInFlight: number;
}

/** Counters at their start. */
export function newSendCounters(): SendCounters {
  return { sends: 0, sendErrors: 0, sendRetries: 0, sendsInFlight: 0 };
}
