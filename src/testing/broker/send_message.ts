import {
  type BatchMessage,
  createOffsetMessageId,
  decodeBatch,
  decodeProperties,
  MessageProperty,
  transactionFlagOf,
} from "../../message/internal.ts";
import { RequestCode, ResponseCode } from "../../remoting/mod.ts";
import { type SendMessageHeader, sendMessageResponseHeader } from "../../requests/mod.ts";
import { messageFacts, transactionFacts } from "../activity.ts";
import { type Answer, type Handler, Refusal, SEE_FAQ } from "../net/answer.ts";
import { readSendMessageRequest } from "../requests.ts";
import type { MessageInput, Placement, PutResult } from "../store/message_store.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { MAX_TIMER_DELAY } from "./delayed_messages.ts";
import { recallHandleOf } from "./recall_message.ts";
import { describeBadTopic, isClosedToClients, SystemTopic } from "./system_topics.ts";
import { describeTopic, type TopicConfig } from "./topics.ts";

/** What every answer to a send carries beside the rest. */
export const REGION = { MSG_REGION: "DefaultRegion", TRACE_ON: "true" } as const;

/** The requests that store messages. */
export function sendHandlers(broker: BrokerParts): [number, Handler][] {
  const send: Handler = (request, { remote }) => {
    const header = readSendMessageRequest(request);
    if (request.body.length === 0) {
      throw new Refusal(
        ResponseCode.SYSTEM_ERROR,
        "java.lang.NullPointerException: the request has no body",
      );
    }
    const topic = findTopic(broker, header, remote);
    const queueId = header.queueId >= 0
      ? header.queueId
      : Math.floor(broker.clock.random() * Math.max(1, topic.writeQueueNums));
    const message: MessageInput = {
      topic: header.topic,
      queueId,
      body: request.body,
      properties: decodeProperties(header.properties ?? ""),
      flag: header.flag,
      sysFlag: header.sysFlag,
      bornTimestamp: Number(header.bornTimestamp),
      bornHost: remote,
      reconsumeTimes: header.reconsumeTimes ?? 0,
    };
    return header.batch ? sendBatch(broker, message) : sendOne(broker, prioritized(message, topic));
  };
  return [
    [RequestCode.SEND_MESSAGE, send],
    [RequestCode.SEND_MESSAGE_V2, send],
    [RequestCode.SEND_BATCH_MESSAGE, send],
  ];
}

/** The topic of a send, made if that may be. Refuses what a broker refuses. */
export function findTopic(
  broker: BrokerParts,
  header: SendMessageHeader,
  remote: string,
): TopicConfig {
  const { topic, queueId, defaultTopic, defaultTopicQueueNums } = header;
  const bad = describeBadTopic(topic);
  if (bad !== undefined) throw refuse(ResponseCode.INVALID_PARAMETER, bad);
  if (isClosedToClients(topic)) {
    throw refuse(ResponseCode.NO_PERMISSION, `Sending message to topic[${topic}] is forbidden.`);
  }
  const config = broker.topics.get(topic) ??
    broker.topics.createFromTemplate(topic, defaultTopic, defaultTopicQueueNums);
  if (!config) {
    throw refuse(
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${topic}] not exist, apply first please!${SEE_FAQ}`,
    );
  }
  if (queueId >= Math.max(config.writeQueueNums, config.readQueueNums)) {
    throw refuse(
      ResponseCode.INVALID_PARAMETER,
      `request queueId[${queueId}] is illegal, ${describeTopic(config)} Producer: ${remote}`,
    );
  }
  return config;
}

/** The properties beside which a broker drops a priority. */
const STRONGER_THAN_PRIORITY = [
  MessageProperty.DelayTimeLevel,
  MessageProperty.TimerDelaySeconds,
  MessageProperty.TimerDelayMs,
  MessageProperty.TimerDeliverMs,
  MessageProperty.ShardingKey,
] as const;

/** A message with a priority goes to the queue of that number, unless it is of another kind. */
function prioritized(message: MessageInput, { writeQueueNums }: TopicConfig): MessageInput {
  const { [MessageProperty.Priority]: priority, ...properties } = message.properties;
  if (priority === undefined || !/^\+?\d{1,10}$/.test(priority)) return message;
  const isHalf = properties[MessageProperty.TransactionPrepared]?.toLowerCase() === "true";
  if (isHalf || STRONGER_THAN_PRIORITY.some((name) => Object.hasOwn(properties, name))) {
    return { ...message, properties };
  }
  return { ...message, queueId: Math.min(Number(priority), writeQueueNums - 1) };
}

function sendOne(broker: BrokerParts, message: MessageInput): Answer {
  const properties: Record<string, string> = { ...message.properties, ...REGION };
  delete properties.POP_CK;
  properties[MessageProperty.UniqueKey] ??= broker.uniqueKeys.next();
  properties[MessageProperty.Cluster] = broker.clusterName;
  const isHalf = properties[MessageProperty.TransactionPrepared]?.toLowerCase() === "true";
  const input = { ...message, properties };
  const { placement, handle } = storeOne(broker, isHalf ? broker.halves.prepare(input) : input);
  broker.activity.publish(
    broker.name,
    isHalf
      ? { type: "halfStored", ...transactionFacts(broker.halves.prepare(input).properties) }
      : { type: "messageStored", ...messageFacts(message.topic, properties) },
  );
  const { [MessageProperty.UniqueKey]: uniqueKey } = properties;
  const answer = sendAnswer(broker, message.queueId, [placement], uniqueKey);
  return handle === undefined
    ? answer
    : { ...answer, extFields: { ...answer.extFields, recallHandle: handle } };
}

/** Stores a message where it belongs now; one with a timer gets a handle to recall it by. */
function storeOne(
  broker: BrokerParts,
  input: MessageInput,
): { placement: Placement; handle?: string } {
  const deferred = broker.delays.defer(input);
  if (deferred === "illegal") {
    throw refuse(
      ResponseCode.MESSAGE_ILLEGAL,
      "timer message illegal, the delay time should not be bigger than the max delay " +
        `${MAX_TIMER_DELAY}ms; or if set del msg, the delay time should be bigger than the ` +
        "current time",
    );
  }
  if (!deferred) {
    const isHalf = input.topic === SystemTopic.Half;
    const result = isHalf ? broker.halves.put(input) : broker.store.put(input);
    return { placement: placementsOf(broker, result)[0] };
  }
  const [placement] = placementsOf(broker, broker.store.put(deferred.input));
  broker.delays.schedule(placement.position, deferred);
  const handle = recallHandleOf(broker, deferred.input);
  return handle === undefined ? { placement } : { placement, handle };
}

function sendBatch(broker: BrokerParts, batch: MessageInput): Answer {
  const delay = Number(batch.properties[MessageProperty.DelayTimeLevel] ?? 0);
  const isTransaction = transactionFlagOf(batch.sysFlag ?? 0) !== 0;
  if (batch.topic.startsWith("%RETRY%") || delay > 0 || isTransaction) {
    throw illegal(broker);
  }
  if (batch.body.length > broker.maxMessageSize) {
    throw refuse(
      ResponseCode.SYSTEM_ERROR,
      "java.lang.RuntimeException: message body size exceeded",
    );
  }
  const messages: BatchMessage[] = decodeBatch(batch.body);
  const inputs = messages.map(({ body, properties, flag = 0 }) => ({
    ...batch,
    body,
    properties,
    flag,
  }));
  const placements = placementsOf(broker, broker.store.putAll(inputs));
  for (const { topic, properties } of inputs) {
    broker.activity.publish(broker.name, {
      type: "messageStored",
      ...messageFacts(topic, properties),
    });
  }
  const { [MessageProperty.UniqueKey]: uniqueKey } = batch.properties;
  return sendAnswer(broker, batch.queueId, placements, uniqueKey);
}

/** The answer to a send that was stored. */
export function sendAnswer(
  broker: BrokerParts,
  queueId: number,
  placements: readonly [Placement, ...Placement[]],
  transactionId: string | undefined,
): Answer {
  const { host, address } = broker;
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  return {
    extFields: {
      ...sendMessageResponseHeader.encode({
        msgId: placements
          .map(({ position }) => createOffsetMessageId(host, port, BigInt(position)))
          .join(","),
        queueId,
        queueOffset: BigInt(placements[0].queueOffset),
        transactionId,
      }),
      ...REGION,
    },
  };
}

function placementsOf(
  broker: BrokerParts,
  result: PutResult,
): readonly [Placement, ...Placement[]] {
  if (result.status === "stored") return result.placements;
  if (result.status === "illegal") throw illegal(broker);
  throw refuse(
    ResponseCode.SERVICE_NOT_AVAILABLE,
    "service not available now. It may be caused by one of the following reasons: the broker's " +
      "disk is full [CL:  1.00 CQ:  1.00 INDEX:  1.00], messages are put to the slave, message " +
      "store has been shut down, etc.",
  );
}

function illegal({ maxMessageSize }: BrokerParts): Refusal {
  return refuse(
    ResponseCode.MESSAGE_ILLEGAL,
    "the message is illegal, maybe msg body or properties length not matched. " +
      `msg body length limit ${maxMessageSize}B, msg properties length limit 32KB.`,
  );
}

function refuse(code: ResponseCode, remark: string): Refusal {
  return new Refusal(code, remark, REGION);
}
