import { type RemotingCommand, type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import { defineHeader, type HeaderFields, requestMaker } from "./header.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";
import { type Subscription, subscriptionData } from "./subscription.ts";

/*
  HEART_BEAT (34), to a broker

  request  = no fields, body: JSON { clientID, producerDataSet: [{ groupName }],
             consumerDataSet: [{ groupName, consumeType, messageModel, consumeFromWhere,
             subscriptionDataSet: [{ topic, subString, … }], unitMode }],
             heartbeatFingerprint: 0, withoutSub: false }
  response = code 0 [IS_SUPPORT_HEART_BEAT_V2:boolean] [IS_SUB_CHANGE:boolean]

  The broker sends check-backs of a group to the connections that sent its heartbeat, and forgets
  them after 120 s without one. A fingerprint other than 0 would select heartbeat v2.
*/

/** A group of consumers in a heartbeat. */
export interface HeartbeatConsumer {
  /** Name of the consumer group. */
  groupName: string;
  /** Pull or push. @default {"CONSUME_ACTIVELY"} */
  consumeType?: "CONSUME_ACTIVELY" | "CONSUME_PASSIVELY";
  /** One member gets a message, or every one. @default {"CLUSTERING"} */
  messageModel?: "CLUSTERING" | "BROADCASTING";
  /** Offset at which a new group begins. @default {"CONSUME_FROM_LAST_OFFSET"} */
  consumeFromWhere?: string;
  /** What the group reads: its topics and, if messages are to come back, `%RETRY%group`. */
  subscriptions: readonly Subscription[];
}

/** The members of a heartbeat. */
export interface Heartbeat {
  /** Id of the client, the same on all its connections. */
  clientId: string;
  /** Names of its producer groups. */
  producerGroups: readonly string[];
  /** Its consumer groups. May be absent. */
  consumers?: readonly HeartbeatConsumer[];
}

/** Makes a heartbeat: it registers the groups of this client for check-backs over the connection. */
export function createHeartbeatRequest(heartbeat: Heartbeat): RemotingRequest {
  const body = {
    clientID: heartbeat.clientId,
    consumerDataSet: (heartbeat.consumers ?? []).map((consumer) => ({
      consumeFromWhere: consumer.consumeFromWhere ?? "CONSUME_FROM_LAST_OFFSET",
      consumeType: consumer.consumeType ?? "CONSUME_ACTIVELY",
      groupName: consumer.groupName,
      messageModel: consumer.messageModel ?? "CLUSTERING",
      subscriptionDataSet: consumer.subscriptions.map(subscriptionData),
      unitMode: false,
    })),
    heartbeatFingerprint: 0,
    producerDataSet: heartbeat.producerGroups.map((groupName) => ({ groupName })),
    withoutSub: false,
  };
  return { code: RequestCode.HEART_BEAT, body: new TextEncoder().encode(JSON.stringify(body)) };
}

/**
 * Reads the answer to a heartbeat.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 */
export function readHeartbeatResponse(response: RemotingCommand, context: ResponseContext): void {
  checkSuccess(response, context, { what: "register at the broker" });
}

/*
  UNREGISTER_CLIENT (35), to a broker

  request  = clientID:string [producerGroup:string] [consumerGroup:string]
  response = code 0

  Takes the connection it is sent on out of the group: no more check-backs come over it.
*/

/** The UNREGISTER_CLIENT header. */
export const unregisterClientHeader = defineHeader("UNREGISTER_CLIENT request", {
  clientId: ["clientID", "string"],
  producerGroup: "string?",
  consumerGroup: "string?",
});

/** The UNREGISTER_CLIENT fields. */
export type UnregisterClientHeader = HeaderFields<typeof unregisterClientHeader>;

/** Makes a request that takes a connection out of a group. */
export const createUnregisterClientRequest: (fields: UnregisterClientHeader) => RemotingRequest =
  requestMaker(
    RequestCode.UNREGISTER_CLIENT,
    unregisterClientHeader,
  );

/**
 * Reads the answer to UNREGISTER_CLIENT.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 */
export function readUnregisterClientResponse(
  response: RemotingCommand,
  context: ResponseContext,
): void {
  checkSuccess(response, context, { what: "unregister from the group" });
}
