import { RequestCode, ResponseCode } from "../../remoting/mod.ts";
import {
  consumerGroupHeader,
  groupConfigHeader,
  subscriptionData,
  unregisterClientHeader,
} from "../../requests/mod.ts";
import { type Handler, Refusal } from "../net/answer.ts";
import { readHeartbeatRequest } from "../requests.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { parseJson } from "./json.ts";

/** The requests by which clients come, stay and go. */
export function clientHandlers(broker: BrokerParts): [number, Handler][] {
  const { producers, consumers, groups: config, topics, clock } = broker;
  return [
    [RequestCode.HEART_BEAT, (request, connection) => {
      const { clientId, producerGroups, consumers: groups = [] } = readHeartbeatRequest(request);
      const now = clock.monotonic();
      for (const consumer of groups) {
        // A broker that makes no groups takes no note of members of others, and says nothing.
        if (!config.ensure(consumer.groupName)) continue;
        topics.ensure(`%RETRY%${consumer.groupName}`);
        consumers.register(consumer, connection, clientId, now);
      }
      for (const group of producerGroups) producers.register(group, connection, clientId, now);
      // With a fingerprint a client asks whether it has to send its subscriptions again.
      const { heartbeatFingerprint = 0 } = parseJson(request.body);
      return {
        extFields: {
          IS_SUPPORT_HEART_BEAT_V2: "true",
          IS_SUB_CHANGE: String(heartbeatFingerprint === 0),
        },
      };
    }],
    [RequestCode.UNREGISTER_CLIENT, (request, connection) => {
      const { producerGroup, consumerGroup } = unregisterClientHeader.decode(request.extFields);
      if (producerGroup !== undefined) producers.unregister(producerGroup, connection);
      if (consumerGroup !== undefined) consumers.unregister(consumerGroup, connection);
      return {};
    }],
    [RequestCode.GET_CONSUMER_LIST_BY_GROUP, (request) => {
      const { consumerGroup } = consumerGroupHeader.decode(request.extFields);
      const consumerIdList = consumers.clientIds(consumerGroup);
      if (consumerIdList.length === 0) {
        throw new Refusal(
          ResponseCode.SYSTEM_ERROR,
          `no consumer for this group, ${consumerGroup}`,
        );
      }
      return { body: new TextEncoder().encode(JSON.stringify({ consumerIdList })) };
    }],
    [RequestCode.GET_CONSUMER_CONNECTION_LIST, (request) => {
      const { consumerGroup } = consumerGroupHeader.decode(request.extFields);
      const subscriptions = consumers.subscriptions(consumerGroup);
      if (!subscriptions) {
        throw new Refusal(
          ResponseCode.CONSUMER_NOT_ONLINE,
          `the consumer group[${consumerGroup}] not online`,
        );
      }
      const connectionSet = consumers.members(consumerGroup).map(({ clientId, connection }) => ({
        ...{ clientId, clientAddr: connection.remote, language: "OTHER", version: 513 },
      }));
      const subscriptionTable = Object.fromEntries(
        Array.from(subscriptions, ([topic, it]) => [topic, subscriptionData(it)]),
      );
      const body = {
        ...{ connectionSet, subscriptionTable, consumeType: "CONSUME_PASSIVELY" },
        ...{ messageModel: "CLUSTERING", consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" },
      };
      return { body: new TextEncoder().encode(JSON.stringify(body)) };
    }],
    [RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG, (request) => {
      const { group } = groupConfigHeader.decode(request.extFields);
      const known = config.ensure(group);
      if (!known) {
        throw new Refusal(
          ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
          "No group in this broker",
        );
      }
      const { consumeEnable, retryQueueNums } = known;
      const body = { groupName: group, consumeEnable, retryQueueNums, retryMaxTimes: 16 };
      return { body: new TextEncoder().encode(JSON.stringify(body)) };
    }],
    [RequestCode.CHECK_CLIENT_CONFIG, (request) => {
      const { subscriptionData } = parseJson(request.body) as {
        subscriptionData?: { expressionType?: string };
      };
      const type = subscriptionData?.expressionType ?? "TAG";
      if (type === "TAG") return {};
      throw new Refusal(
        ResponseCode.SYSTEM_ERROR,
        `The broker does not support consumer to filter message by ${type}`,
      );
    }],
  ];
}
