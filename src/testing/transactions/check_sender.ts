import {
  createOffsetMessageId,
  encodeStoredMessage,
  MessageProperty,
  type StoredMessage,
} from "../../message/mod.ts";
import { transactionFacts } from "../activity.ts";
import type { BrokerParts } from "../broker/broker_parts.ts";
import { SystemTopic } from "../broker/system_topics.ts";
import type { Server } from "../net/server.ts";
import { createCheckTransactionStateRequest } from "../requests.ts";
import type { Placement } from "../store/message_store.ts";

/**
 * Asks a producer of the group about a half message.
 *
 * @param half The record as it was read: the check-back has its `flag` and its time of storing.
 * @param placement Where it was written again; the verdict names it by that.
 */
export function sendCheck(
  broker: BrokerParts,
  server: Server,
  half: StoredMessage,
  placement: Placement,
): void {
  const { properties } = half;
  const commitLogOffset = BigInt(placement.position), queueOffset = BigInt(placement.queueOffset);
  const connection = broker.producers.choose(properties[MessageProperty.ProducerGroup]);
  if (connection) {
    const uniqueKey = properties[MessageProperty.UniqueKey];
    const port = Number(broker.address.slice(broker.address.lastIndexOf(":") + 1));
    const header = {
      tranStateTableOffset: queueOffset,
      commitLogOffset,
      msgId: uniqueKey,
      transactionId: uniqueKey,
      offsetMsgId: createOffsetMessageId(broker.host, port, commitLogOffset),
      topic: SystemTopic.Half,
      bname: broker.name,
    };
    const body = encodeStoredMessage({
      ...half,
      version: 1,
      topic: properties[MessageProperty.RealTopic] ?? half.topic,
      queueId: Number(properties[MessageProperty.RealQueueId] ?? 0),
      queueOffset,
      commitLogOffset,
      properties: { ...properties, [MessageProperty.WaitStoreMessageOk]: "false" },
    });
    server.sendRequest(createCheckTransactionStateRequest(header, body), connection);
  }
  broker.activity.publish(broker.name, {
    type: "checked",
    checkTimes: Number(properties[MessageProperty.TransactionCheckTimes]),
    ...transactionFacts(properties),
    ...(connection ? { client: connection.remote } : {}),
  });
}
