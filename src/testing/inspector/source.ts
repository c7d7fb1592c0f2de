import type { MessageExt } from "../../message/mod.ts";
import type { EmbeddedBrokerEvent } from "../events.ts";

/** What the inspector needs of an embedded broker: an `EmbeddedBroker` fits. */
export interface InspectedBroker {
  /** `host:port` of its name server, for the page. */
  readonly nameServer: string;
  /** What happens from now on. */
  events(): AsyncIterable<EmbeddedBrokerEvent>;
  /** The half messages that are undecided. */
  halfMessages(): Promise<MessageExt[]>;
  /** Finds the message of a transaction, undecided, visible or discarded. */
  messageOf(transactionId: string, topic: string): Promise<MessageExt | undefined>;
  /** Asks back about every undecided half message, and gives their number. */
  checkNow(): number;
}

/** What the inspector needs of a producer of this process: a `TransactionProducer` fits. */
export interface InspectedProducer {
  /** What happens from now on, as `TransactionProducer.events()` tells it. */
  events(): AsyncIterable<{ readonly type: string }>;
}

/** A record of a transaction in a broker's log: a `TransactionRecord` fits. */
export interface ClusterRecord {
  /** What it is: the half message, the visible one, or the half message that was given up. */
  readonly kind: "half" | "visible" | "givenUp";
  /** The broker that has it. */
  readonly brokerName: string;
  /** When it was stored, in milliseconds since 1970. */
  readonly storeTimestamp: number;
  /** How often the broker had asked then. */
  readonly checkTimes: number;
  /** Its own id, which no other record has. */
  readonly offsetMessageId: string;
}

/** What became of a transaction, as a cluster tells it: a `TransactionInspection` fits. */
export interface ClusterFinding {
  /** How it stands. */
  readonly state:
    | "pending"
    | "committed"
    | "rolledBack"
    | "givenUp"
    | "uncertain"
    | "notFound";
  /** How many times its message is visible. */
  readonly copies: number;
  /** How often the broker has asked. */
  readonly checkTimes: number;
  /** Broker that holds it. */
  readonly brokerName?: string;
  /**
   * What the logs of the brokers have of it, in the order of time: without them only how it stands
   * is told, and no times.
   */
  readonly records?: readonly ClusterRecord[];
}

/**
 * What the inspector needs to read from a cluster: a started `TransactionProducer` fits. Let it be a
 * member of a group of its own: members of a service's group are asked its check-backs.
 */
export interface InspectedCluster {
  /** Asks the brokers of a topic what became of a transaction, and changes nothing. */
  inspect(
    transactionId: string,
    options: { topic: string; signal?: AbortSignal },
  ): Promise<ClusterFinding>;
}

/** Where an inspector hears of transactions: one of these, or several. */
export interface InspectorSource {
  /** An embedded broker: everything that happens in it is shown. */
  broker?: InspectedBroker;
  /** A producer of this process: its side of the same transactions, and the only one on a cluster. */
  producer?: InspectedProducer;
  /** A cluster, to be asked about transactions whose ids are entered on the page. */
  cluster?: InspectedCluster;
  /** The topic of the transactions in the cluster. Needed with `cluster`. */
  topic?: string;
}
