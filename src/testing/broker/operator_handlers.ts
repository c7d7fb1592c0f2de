import { type RemotingCommand, RequestCode, ResponseCode } from "../../remoting/mod.ts";
import {
  encodeReset,
  groupMemberHeader,
  groupTopicHeader,
  type QueueOffset,
  resetOffsetHeader,
} from "../../requests/mod.ts";
import { type Answer, type Handler, Refusal } from "../net/answer.ts";
import type { ServerConnection } from "../net/server_connection.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { messageById } from "./look_up_handlers.ts";
import { searchByTime } from "./offset_handlers.ts";

/** The requests by which an operator looks at consumers, and moves them. */
export function operatorHandlers(broker: BrokerParts): [number, Handler][] {
  const { consumers } = broker;
  const memberOf = (group: string, clientId: string): ServerConnection => {
    const member = consumers.members(group).find((it) => it.clientId === clientId);
    if (member) return member.connection;
    throw new Refusal(
      ResponseCode.SYSTEM_ERROR,
      `The Consumer <${group}> <${clientId}> not online`,
    );
  };
  const pass = async (
    request: RemotingCommand,
    connection: ServerConnection,
    body = request.body,
  ): Promise<Answer> => {
    const { code, extFields } = request;
    const answer = await broker.callClient({ code, extFields, body }, connection);
    if (!answer) {
      throw new Refusal(ResponseCode.CONSUME_MSG_TIMEOUT, "the consumer does not answer");
    }
    return { code: answer.code, remark: answer.remark, body: answer.body };
  };
  return [
    [RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, (request) => resetOffsets(broker, request)],
    [RequestCode.GET_CONSUMER_RUNNING_INFO, (request) => {
      const { consumerGroup, clientId = "" } = groupMemberHeader.decode(request.extFields);
      return pass(request, memberOf(consumerGroup, clientId));
    }],
    [RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, (request) => {
      const { group } = groupTopicHeader.decode(request.extFields);
      const [member] = consumers.members(group);
      return pass(request, memberOf(group, member?.clientId ?? ""));
    }],
    [RequestCode.CONSUME_MESSAGE_DIRECTLY, (request) => {
      const { consumerGroup, clientId = "", msgId = "" } = groupMemberHeader
        .decode(request.extFields);
      const connection = memberOf(consumerGroup, clientId);
      const record = messageById(broker, msgId);
      if (!record) {
        throw new Refusal(ResponseCode.SYSTEM_ERROR, `can not find message ${msgId}`);
      }
      const extFields = { ...request.extFields, brokerName: broker.name };
      const body = broker.store.record(Number(record.commitLogOffset))!;
      return pass({ ...request, extFields }, connection, body);
    }],
  ];
}

/**
 * Has the members of a group go on at a time: by its own table of offsets, or by telling them. Pulls that
 * are held learn of it at their end.
 */
function resetOffsets(broker: BrokerParts, request: RemotingCommand): Answer {
  const { topics, store, offsets, consumers } = broker;
  const header = resetOffsetHeader.decode(request.extFields);
  const { topic, group, timestamp } = header;
  const config = topics.get(topic);
  if (!config) throw new Refusal(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} does not exist`);
  const resets: QueueOffset[] = [];
  for (let queueId = 0; queueId < config.readQueueNums; queueId++) {
    const offset = timestamp < 0n
      ? store.queueLength(topic, queueId)
      : searchByTime(store, topic, queueId, Number(timestamp), false);
    resets.push({ queue: { topic, brokerName: broker.name, queueId }, offset: BigInt(offset) });
  }
  const body = encodeReset(resets);
  if (broker.resetsAtServer) {
    for (const { queue: { queueId }, offset } of resets) {
      offsets.reset(group, topic, queueId, offset);
    }
  } else {
    const code = RequestCode.RESET_CONSUMER_CLIENT_OFFSET;
    for (const { connection } of consumers.members(group)) {
      broker.tellClient({ code, extFields: request.extFields, body }, connection);
    }
  }
  return { body };
}
