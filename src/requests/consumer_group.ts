import {
  type RemotingCommand,
  type RemotingRequest,
  RequestCode,
  ResponseCode,
} from "../remoting/mod.ts";
import { defineHeader, type HeaderFields, requestMaker } from "./header.ts";
import { JsonValue } from "./json_body.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";
import { type Subscription, subscriptionData } from "./subscription.ts";

/*
  GET_CONSUMER_LIST_BY_GROUP (38), to a broker

  request  = consumerGroup:string
  response = code 0, body: JSON { consumerIdList: [client ids] }
           | code 1, remark "no consumer for this group, …"

  NOTIFY_CONSUMER_IDS_CHANGED (40), one-way, from a broker to every member of a group

  request  = consumerGroup:string
*/

/** The header of a request for the members of a group, and of the notice that they changed. */
export const consumerGroupHeader = defineHeader("GET_CONSUMER_LIST_BY_GROUP request", {
  consumerGroup: "string",
});

/** The group that a request is about. */
export type ConsumerGroupHeader = HeaderFields<typeof consumerGroupHeader>;

/** Makes a request for the client ids of a group's members. */
export const createGetConsumerListRequest: (fields: ConsumerGroupHeader) => RemotingRequest =
  requestMaker(RequestCode.GET_CONSUMER_LIST_BY_GROUP, consumerGroupHeader);

/** Most members of a group that are read. */
const MAX_MEMBERS = 65_536;

/** The remark of a broker at which no member is registered. */
const NO_MEMBERS = /^no consumer for this group/;

/**
 * Reads the client ids of a group's members, sorted like Java's `String.compareTo`, each once. The broker
 * lists an id once for each of its connections: `repeated` has those that it listed more than once.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 * @throws {ProtocolError} when the body is malformed.
 */
export function readGetConsumerListResponse(
  response: RemotingCommand,
  context: ResponseContext,
): { members: string[]; repeated: string[] } {
  const isNobody = response.code === ResponseCode.SYSTEM_ERROR &&
    NO_MEMBERS.test(response.remark ?? "");
  if (isNobody) return { members: [], repeated: [] };
  checkSuccess(response, context, { what: "list the members of the group", actions: ["SUB"] });
  const listed = JsonValue.parse(response.body, "members of the group", context)
    .member("consumerIdList").items(MAX_MEMBERS).map((id) => id.string());
  const members = new Set<string>(), repeated = new Set<string>();
  for (const id of listed) (members.has(id) ? repeated : members).add(id);
  return { members: [...members].sort(), repeated: [...repeated].sort() };
}

/*
  CHECK_CLIENT_CONFIG (46), to a broker

  request  = no fields, body: JSON { clientId, group, namespace: "", subscriptionData: { … } }
  response = code 0 | 23: the parser's text about the expression | 1: SQL92 is off at this broker

  This is the only request that reports a broken expression. A pull with one answers every message.
*/

/** A subscription to check, and for whom. */
export interface CheckSubscriptionFields {
  /** Id of the client. */
  clientId: string;
  /** Name of the consumer group. */
  group: string;
  /** The subscription. */
  subscription: Subscription;
}

/** Makes a request that checks a subscription. */
export function createCheckSubscriptionRequest(
  { clientId, group, subscription }: CheckSubscriptionFields,
): RemotingRequest {
  const body = {
    clientId,
    group,
    namespace: "",
    subscriptionData: subscriptionData(subscription),
  };
  return {
    code: RequestCode.CHECK_CLIENT_CONFIG,
    body: new TextEncoder().encode(JSON.stringify(body)),
  };
}

/** Reads whether the broker takes a subscription. @throws {BrokerResponseError} when it does not. */
export function readCheckSubscriptionResponse(
  response: RemotingCommand,
  context: ResponseContext,
): void {
  checkSuccess(response, context, {
    what: "subscribe",
    actions: ["SUB"],
    remedies: {
      [ResponseCode.SUBSCRIPTION_PARSE_FAILED]: (remark) => `correct the expression: ${remark}`,
      [ResponseCode.SYSTEM_ERROR]: (remark) =>
        /does not support consumer to filter message by/.test(remark)
          ? "set enablePropertyFilter=true on every broker of the topic, or subscribe by tags"
          : undefined,
    },
  });
}

/*
  GET_CONSUMER_CONNECTION_LIST (203), to a broker

  request  = consumerGroup:string
  response = code 0, body: JSON { connectionSet: [{ clientId, clientAddr, language, version }],
             subscriptionTable: { topic: { topic, subString, expressionType, subVersion, … } },
             consumeType, messageModel, consumeFromWhere }
           | code 206: no member is registered

  The broker keeps one table for a group: that of the last heartbeat.
*/

/** Makes a request for what a broker knows of a group's members and subscriptions. */
export const createGetConsumerConnectionsRequest: (fields: ConsumerGroupHeader) => RemotingRequest =
  requestMaker(RequestCode.GET_CONSUMER_CONNECTION_LIST, consumerGroupHeader);

/** Most topics of a group that are read. */
const MAX_TOPICS = 65_536;

/**
 * Reads what a broker thinks that a group reads, by topic.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 * @throws {ProtocolError} when the body is malformed.
 */
export function readGroupSubscriptionsResponse(
  response: RemotingCommand,
  context: ResponseContext,
): Map<string, Subscription> {
  checkSuccess(response, context, { what: "get the subscriptions of the group", actions: ["GET"] });
  const table = JsonValue.parse(response.body, "subscriptions of the group", context)
    .member("subscriptionTable").entries(MAX_TOPICS);
  return new Map(table.map(([topic, data]) => {
    const type = data.member("expressionType").string("TAG");
    const expression = data.member("subString").string("*");
    return [topic, { topic, expression, expressionType: type === "SQL92" ? "SQL92" : "TAG" }];
  }));
}

/*
  GET_SUBSCRIPTIONGROUP_CONFIG (352), to a broker of version 5

  request  = group:string
  response = code 0, body: JSON { groupName, consumeEnable, consumeBroadcastEnable, retryQueueNums,
             retryMaxTimes, … }
           | code 26: the broker does not know the group and does not make groups by itself
           | code 3: a broker of version 4 has no such request
*/

/** The header of a request for a group's configuration. */
export const groupConfigHeader = defineHeader("GET_SUBSCRIPTIONGROUP_CONFIG request", {
  group: "string",
});

/** The fields of a request for a group's configuration. */
export type GroupConfigHeader = HeaderFields<typeof groupConfigHeader>;

/** Makes a request for a group's configuration. */
export const createGetGroupConfigRequest: (fields: GroupConfigHeader) => RemotingRequest =
  requestMaker(RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG, groupConfigHeader);

/** What a broker is configured to do for a group. */
export interface GroupConfig {
  /** `false` if no member may pull. */
  readonly consumeEnable: boolean;
  /** Queues of `%RETRY%group`. With 0 a broker keeps nothing that is sent back, and says nothing. */
  readonly retryQueueNums: number;
}

/**
 * Reads a group's configuration. Returns undefined if the broker can't tell it.
 *
 * @throws {BrokerResponseError} when the broker refuses, or does not know the group.
 * @throws {ProtocolError} when the body is malformed.
 */
export function readGroupConfigResponse(
  response: RemotingCommand,
  context: ResponseContext,
): GroupConfig | undefined {
  if (response.code === ResponseCode.REQUEST_CODE_NOT_SUPPORTED) return undefined;
  checkSuccess(response, context, {
    what: "get the configuration of the group",
    actions: ["GET"],
    remedies: {
      [ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST]: () =>
        "it has no such group and makes none by itself: create it there with mqadmin updateSubGroup, " +
        "or set autoCreateSubscriptionGroup=true",
    },
  });
  const config = JsonValue.parse(response.body, "configuration of the group", context);
  return {
    consumeEnable: config.member("consumeEnable").boolean(true),
    retryQueueNums: config.member("retryQueueNums").integer(-(2 ** 31), 2 ** 31 - 1, 1),
  };
}
