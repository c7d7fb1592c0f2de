import { type RemotingCommand, type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import {
  type CheckTransactionStateHeader,
  checkTransactionStateHeader,
  type HeaderContext,
  type Heartbeat,
  type HeartbeatConsumer,
  JsonValue,
  type PushReplyMessageHeader,
  pushReplyMessageHeader,
  type SendMessageHeader,
  sendMessageHeader,
  sendMessageV1Header,
} from "../requests/mod.ts";

/*
  What a broker reads and sends where clients do the opposite. Both sides have the same headers.
*/

/** Most groups, and most subscriptions of a group, that are read from one heartbeat. */
const MAX_ENTRIES = 4096;

/**
 * Reads a heartbeat as a broker does.
 *
 * @throws {ProtocolError} when the body is not a heartbeat.
 */
export function readHeartbeatRequest(
  request: RemotingCommand,
  context: HeaderContext = {},
): Heartbeat {
  const root = JsonValue.parse(request.body, "heartbeat", context);
  return {
    clientId: root.member("clientID").string(),
    producerGroups: root.member("producerDataSet").items(MAX_ENTRIES)
      .map((producer) => producer.member("groupName").string()),
    consumers: root.member("consumerDataSet").items(MAX_ENTRIES).map(readConsumer),
  };
}

function readConsumer(consumer: JsonValue): HeartbeatConsumer {
  return {
    groupName: consumer.member("groupName").string(),
    consumeType: consumer.member("consumeType").string("") === "CONSUME_PASSIVELY"
      ? "CONSUME_PASSIVELY"
      : "CONSUME_ACTIVELY",
    messageModel: consumer.member("messageModel").string("") === "BROADCASTING"
      ? "BROADCASTING"
      : "CLUSTERING",
    consumeFromWhere: consumer.member("consumeFromWhere").string("CONSUME_FROM_LAST_OFFSET"),
    subscriptions: consumer.member("subscriptionDataSet").items(MAX_ENTRIES).map((data) => ({
      topic: data.member("topic").string(),
      expression: data.member("subString").string("*"),
      expressionType: data.member("expressionType").string("TAG") === "SQL92" ? "SQL92" : "TAG",
      version: data.member("subVersion").integer(0, Number.MAX_SAFE_INTEGER, 0),
    })),
  };
}

/**
 * Reads the header of a send as a broker does, under either set of names.
 *
 * @throws {ProtocolError} when a field is missing or not what it should be.
 */
export function readSendMessageRequest(
  request: RemotingCommand,
  context?: HeaderContext,
): SendMessageHeader {
  const { code } = request;
  const header = code === RequestCode.SEND_MESSAGE || code === RequestCode.SEND_REPLY_MESSAGE
    ? sendMessageV1Header
    : sendMessageHeader;
  return header.decode(request.extFields, context);
}

/** Asks a producer for its verdict, as a broker does. */
export function createCheckTransactionStateRequest(
  header: CheckTransactionStateHeader,
  body: Uint8Array,
): RemotingRequest {
  return {
    code: RequestCode.CHECK_TRANSACTION_STATE,
    extFields: checkTransactionStateHeader.encode(header),
    body,
  };
}

/** Passes a reply on, as a broker does. */
export function createPushReplyMessageRequest(
  header: PushReplyMessageHeader,
  body: Uint8Array,
): RemotingRequest {
  return {
    code: RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT,
    extFields: pushReplyMessageHeader.encode(header),
    body,
  };
}
