import { describe } from "../errors.ts";
import {
  decodeStoredMessage,
  MessageProperty,
  type MessageQueue,
  openStoredMessage,
} from "../message/mod.ts";
import { type RemotingCommand, RequestCode, ResponseCode } from "../remoting/mod.ts";
import {
  encodeConsumerStatus,
  encodeDirectResult,
  encodeRunningInfo,
  groupMemberHeader,
  groupTopicHeader,
  readResetRequest,
  subscriptionData,
} from "../requests/mod.ts";
import type { Connection, ServerRequestAnswer } from "../transport/mod.ts";
import { type Decision, IncomingMessage } from "./incoming_message.ts";
import type { Running } from "./leave.ts";
import type { ConsumerSettings } from "./options.ts";

/** Answers what an operator asks of this member. */
export async function answerOperator(
  command: RemotingCommand,
  { address }: Connection,
  settings: ConsumerSettings,
  running: Running,
): Promise<ServerRequestAnswer> {
  switch (command.code) {
    case RequestCode.RESET_CONSUMER_CLIENT_OFFSET:
      return await reset(command, address, settings, running);
    case RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT:
      return { body: encodeConsumerStatus(positionsOf(command, running)) };
  }
  if (!settings.answersOperators) {
    return {
      code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
      remark: ` request type ${command.code} not supported: this consumer has no answersOperators`,
    };
  }
  return command.code === RequestCode.GET_CONSUMER_RUNNING_INFO
    ? { body: encodeRunningInfo(describeMember(settings, running)) }
    : await consumeDirectly(command, settings, running);
}

/** Goes on at other offsets in the queues of a topic that this member has. */
async function reset(
  command: RemotingCommand,
  address: string,
  { client: { logger } }: ConsumerSettings,
  { queues }: Running,
): Promise<ServerRequestAnswer> {
  const { topic } = groupTopicHeader.decode(command.extFields, { address });
  const offsets = readResetRequest(command, { address }).filter(({ queue }) =>
    queue.topic === topic
  );
  logger.info(`An operator resets the offsets of topic "${topic}"`, { address });
  await queues.reset(offsets);
  return {};
}

function positionsOf(
  command: RemotingCommand,
  { queues }: Running,
): { queue: MessageQueue; offset: bigint }[] {
  const { topic } = groupTopicHeader.decode(command.extFields);
  return queues.readers().flatMap(({ queue, position }) =>
    queue.topic === topic && position !== undefined ? [{ queue, offset: position }] : []
  );
}

function describeMember(
  { subscriptions, retrySubscription, concurrency, laneOf }: ConsumerSettings,
  { queues }: Running,
) {
  return {
    properties: {
      PROP_CONSUME_TYPE: "CONSUME_PASSIVELY",
      PROP_CONSUMEORDERLY: String(laneOf !== undefined),
      PROP_THREADPOOL_CORE_SIZE: String(concurrency),
      PROP_CONSUMER_START_TIMESTAMP: "0",
    },
    subscriptions: [...subscriptions, retrySubscription].map(subscriptionData),
    queues: queues.readers().map((reader) => ({
      queue: reader.queue,
      commitOffset: reader.position ?? 0n,
      cachedMessages: reader.unsettled,
      isLocked: queues.isValid(reader.queue),
    })),
  };
}

/** Has the handler of `run()` handle one message, beside the queues. Nothing is settled by that. */
async function consumeDirectly(
  command: RemotingCommand,
  { client: { clock, namespace }, group, laneOf }: ConsumerSettings,
  { delivery, drainEnded }: Running,
): Promise<ServerRequestAnswer> {
  const { handler } = delivery;
  if (!handler) {
    return {
      code: ResponseCode.SYSTEM_ERROR,
      remark: "this consumer has no handler: run() is not called",
    };
  }
  const { brokerName = "" } = groupMemberHeader.decode(command.extFields);
  const source = await openStoredMessage(decodeStoredMessage(command.body));
  const topic = source.properties[MessageProperty.RetryTopic] ?? source.topic;
  let decision: Decision["kind"] = "ack";
  const message = new IncomingMessage(
    source,
    namespace?.unwrap(topic) ?? topic,
    source.reconsumeTimes + 1,
    {
      signal: drainEnded.signal,
      queue: { topic: source.topic, brokerName, queueId: source.queueId },
      group,
      // Out of its order, it must not move a stored offset.
      offsets: undefined,
      begin: () => {},
      enter: () => () => {},
      take: (message, { kind }) => {
        decision = kind;
        message.end("released");
      },
    },
  );
  const begin = clock.monotonic();
  let remark: string | undefined;
  try {
    await handler(message);
  } catch (error) {
    remark = describe(error);
  }
  message.end("released");
  const result = {
    ...{ order: laneOf !== undefined, autoCommit: true },
    spentTimeMills: Math.round(clock.monotonic() - begin),
  };
  const consumeResult = remark !== undefined
    ? "CR_THROW_EXCEPTION"
    : decision === "ack"
    ? "CR_SUCCESS"
    : "CR_LATER";
  return {
    body: encodeDirectResult({
      ...{ ...result, consumeResult },
      ...(remark === undefined ? {} : { remark }),
    }),
  };
}
