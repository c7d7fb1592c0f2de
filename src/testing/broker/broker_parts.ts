import type { Clock } from "../../clock.ts";
import type { UniqueKeyGenerator } from "../../message/mod.ts";
import type { RemotingCommand, RemotingRequest } from "../../remoting/mod.ts";
import type { Activity } from "../activity.ts";
import type { ServerConnection } from "../net/server_connection.ts";
import type { MessageStore } from "../store/message_store.ts";
import type { DoneMarks } from "../transactions/done_marks.ts";
import type { HalfQueue } from "../transactions/half_queue.ts";
import type { ConsumerGroups } from "./consumer_groups.ts";
import type { ConsumerOffsets } from "./consumer_offsets.ts";
import type { ConsumerTable } from "./consumer_table.ts";
import type { DelayedMessages } from "./delayed_messages.ts";
import type { ProducerTable } from "./producer_table.ts";
import type { PullHolds } from "./pull_holds.ts";
import type { QueueLocks } from "./queue_locks.ts";
import type { TopicTable } from "./topics.ts";

/** What the requests of one broker work on. */
export interface BrokerParts {
  /** Name of the broker. */
  readonly name: string;
  /** Name of its cluster. */
  readonly clusterName: string;
  /** IP address of the broker, as it names itself. */
  readonly host: string;
  /** `host:port` of the broker. */
  readonly address: string;
  /** Time and chance. */
  readonly clock: Clock;
  /** The messages. */
  readonly store: MessageStore;
  /** Most bytes of one body. */
  readonly maxMessageSize: number;
  /** Milliseconds after which a half message is asked about. */
  readonly transactionTimeout: number;
  /** Whether what a timer would deliver can be taken back. */
  readonly recallMessages: boolean;
  /** Whether replies are stored beside being passed on. */
  readonly storeReplies: boolean;
  /** Asks a client for something; gives its answer, or nothing when none came. */
  readonly callClient: (
    request: RemotingRequest,
    connection: ServerConnection,
  ) => Promise<RemotingCommand | undefined>;
  /** Sends a client a request without an answer. */
  readonly tellClient: (request: RemotingRequest, connection: ServerConnection) => void;
  /** Whether it resets offsets by itself, or has members do it. */
  readonly resetsAtServer: boolean;
  /** The topics. */
  readonly topics: TopicTable;
  /** The messages that are delivered later. */
  readonly delays: DelayedMessages;
  /** The half messages. */
  readonly halves: HalfQueue;
  /** The marks of those that were decided. */
  readonly marks: DoneMarks;
  /** The producers that can be asked. */
  readonly producers: ProducerTable;
  /** The consumers. */
  readonly consumers: ConsumerTable;
  /** How consumer groups are set up. */
  readonly groups: ConsumerGroups;
  /** How far consumer groups have read. */
  readonly offsets: ConsumerOffsets;
  /** Queues that consumers keep for themselves. */
  readonly locks: QueueLocks;
  /** Pulls that wait for a message. */
  readonly holds: PullHolds;
  /** Draws keys for messages that came without. */
  readonly uniqueKeys: UniqueKeyGenerator;
  /** Where events are told and counted. */
  readonly activity: Activity;
}
