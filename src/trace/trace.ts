/** What a message was, by the numbers of the official encoding. */
export const TracedMessageType = { Normal: 0, Transaction: 1, Commit: 2, Delayed: 3 } as const;

/** One of {@linkcode TracedMessageType}. */
export type TracedMessageType = typeof TracedMessageType[keyof typeof TracedMessageType];

/** What all traces say. */
interface TraceFacts {
  /** When it happened, in milliseconds since 1970. */
  readonly timestamp: number;
  /** Region of the broker. */
  readonly regionId: string;
  /** The producer group. */
  readonly producerGroup: string;
  /** Topic of the message. */
  readonly topic: string;
  /** The id that its producer gave. */
  readonly messageId: string;
}

/** What traces say of a message. */
interface MessageFacts extends TraceFacts {
  /** Its tag. */
  readonly tags: string | undefined;
  /** Its keys, one space between. */
  readonly keys: string | undefined;
  /** `host:port` of its broker. */
  readonly brokerAddress: string | undefined;
}

/** A message that was sent. */
export interface PubTrace extends MessageFacts {
  /** Kind of trace. */
  readonly type: "Pub";
  /** Bytes of the body as it was sent. */
  readonly bodySize: number;
  /** How long the send took, in milliseconds. */
  readonly duration: number;
  /** What the message was. */
  readonly messageType: TracedMessageType;
  /** Where it is stored. */
  readonly offsetMessageId: string;
  /** Whether it was stored as safely as the broker was set up for. */
  readonly success: boolean;
}

/** A verdict that was sent. */
export interface EndTransactionTrace extends MessageFacts {
  /** Kind of trace. */
  readonly type: "EndTransaction";
  /** Id of the transaction. */
  readonly transactionId: string;
  /** The verdict. */
  readonly state: "COMMIT" | "ROLLBACK" | "UNKNOWN";
  /** Whether it answered a check-back. */
  readonly fromCheck: boolean;
}

/** A message that was taken back. */
export interface RecallTrace extends TraceFacts {
  /** Kind of trace. */
  readonly type: "Recall";
  /** Whether its broker agreed. */
  readonly success: boolean;
}

/** Something that is traced. */
export type Trace = PubTrace | EndTransactionTrace | RecallTrace;
