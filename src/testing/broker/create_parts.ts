import { UniqueKeyGenerator } from "../../message/mod.ts";
import type { Activity } from "../activity.ts";
import type { ServerConnection } from "../net/server_connection.ts";
import type { EmbeddedBrokerSettings } from "../options.ts";
import { LogFile } from "../store/log_file.ts";
import { MessageStore } from "../store/message_store.ts";
import { DoneMarks } from "../transactions/done_marks.ts";
import { HalfQueue } from "../transactions/half_queue.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { ConsumerGroups } from "./consumer_groups.ts";
import { ConsumerOffsets } from "./consumer_offsets.ts";
import { ConsumerTable } from "./consumer_table.ts";
import { DelayedMessages } from "./delayed_messages.ts";
import { ProducerTable } from "./producer_table.ts";
import { PullHolds } from "./pull_holds.ts";
import { QueueLocks } from "./queue_locks.ts";
import { restore } from "./restore.ts";
import { topicConfig, TopicTable } from "./topics.ts";

/** What the parts of a broker are made of. */
export interface PartsOptions {
  /** Name of the broker. */
  name: string;
  /** `host:port` of the broker. */
  address: string;
  /** The settings of the cluster. */
  settings: EmbeddedBrokerSettings;
  /** Where events are told and counted. */
  activity: Activity;
  /** Is told when a half message is no longer undecided. */
  onDecided(): void;
  /** Asks a client for something. */
  callClient: BrokerParts["callClient"];
  /** Sends a client a request without an answer. */
  tellClient: BrokerParts["tellClient"];
  /** Is told when a group of consumers has changed. */
  onConsumersChanged(group: string, connections: readonly ServerConnection[]): void;
}

/** Makes the parts of a broker. */
export function createParts(options: PartsOptions): BrokerParts {
  const { name, address, settings, activity } = options;
  const { clock, hostname, clusterName, maxMessageSize } = settings;
  const topics = new TopicTable({
    clusterName,
    brokerName: name,
    autoCreate: settings.autoCreateTopics,
  });
  for (const { topic, queues, perm } of settings.topics) {
    topics.set(topicConfig(topic, queues, perm));
  }
  const holds = new PullHolds(clock);
  const file = settings.folder === undefined ? undefined : LogFile.open(settings.folder, name);
  const store = new MessageStore({
    ...(file ? { file } : {}),
    ...{ clock, maxMessageSize, storeHost: address, maxSize: settings.maxStoreSize },
    onArrival: (topic, queueId, tagCode) => holds.notify(topic, queueId, tagCode),
  });
  const interval = settings.opBatchInterval;
  const parts: BrokerParts = {
    ...{ name, address, clusterName, clock, store, topics, holds, activity, maxMessageSize },
    host: hostname,
    transactionTimeout: settings.transactionTimeout,
    recallMessages: settings.recallMessages,
    storeReplies: settings.storeReplies,
    callClient: options.callClient,
    tellClient: options.tellClient,
    resetsAtServer: settings.resetsAtServer,
    delays: new DelayedMessages(store, clock),
    halves: new HalfQueue(store, options.onDecided),
    marks: new DoneMarks({ store, clock, interval, storeHost: address }),
    producers: new ProducerTable(),
    consumers: new ConsumerTable(options.onConsumersChanged),
    groups: new ConsumerGroups(settings.groups, settings.autoCreateGroups),
    offsets: new ConsumerOffsets(),
    locks: new QueueLocks(),
    uniqueKeys: new UniqueKeyGenerator({ clock, address: hostname }),
  };
  if (file) restore(parts, file);
  return parts;
}
