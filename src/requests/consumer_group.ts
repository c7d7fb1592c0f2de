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
 * Reads the client ids of a group's members, sorted like Java's `String.compareTo`. The broker lists an
 * id once for each of its connections. The result has it once for all. So callers that look for ids
 * that are used twice have to compare the number with `listed`.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 * @throws {ProtocolError} when the body is malformed.
 */
export function readGetConsumerListResponse(
  response: RemotingCommand,
  context: ResponseContext,
): { members: string[]; listed: number } {
  const isNobody = response.code === ResponseCode.SYSTEM_ERROR &&
    NO_MEMBERS.test(response.remark ?? "");
  if (isNobody) return { members: [], listed: 0 };
  checkSuccess(response, context, { what: "list the members of the group", actions: ["SUB"] });
  const listed = JsonValue.parse(response.body, "members of the group", context)
    .member("consumerIdList").items(MAX_MEMBERS).map((id) => id.string());
  return { members: [...new Set(listed)].sort(), listed: listed.length };
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
