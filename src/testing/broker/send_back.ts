import { createOffsetMessageId, MessageProperty } from "../../message/mod.ts";
import { RequestCode, ResponseCode } from "../../remoting/mod.ts";
import { sendBackHeader } from "../../requests/mod.ts";
import { type Handler, Refusal, SEE_FAQ } from "../net/answer.ts";
import type { MessageInput } from "../store/message_store.ts";
import type { BrokerParts } from "./broker_parts.ts";

/** Deliveries after the first one, unless the consumer says another number. */
const DEFAULT_RETRIES = 16;

/** The delay level of the first retry, if the broker decides. */
const FIRST_LEVEL = 3;

/** The property that names the first of all copies. */
const ORIGIN_MESSAGE_ID = "ORIGIN_MESSAGE_ID";

/** The request by which consumers give messages back: a delayed copy, or a dead letter. */
export function sendBackHandlers(broker: BrokerParts): [number, Handler][] {
  const { store, groups, topics, delays, host, address } = broker;
  return [[RequestCode.CONSUMER_SEND_MSG_BACK, (request) => {
    const header = sendBackHeader.decode(request.extFields);
    const config = groups.get(header.group);
    if (!config) {
      throw new Refusal(
        ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
        `subscription group not exist, ${header.group} ${SEE_FAQ}`,
      );
    }
    if (config.retryQueueNums <= 0) return {};
    const message = store.message(Number(header.offset));
    if (!message) {
      throw new Refusal(
        ResponseCode.SYSTEM_ERROR,
        `look message by offset failed, ${header.offset}`,
      );
    }
    const { DELAY: _delay, ...kept } = message.properties;
    const port = Number(address.slice(address.lastIndexOf(":") + 1));
    const properties: Record<string, string> = {
      [MessageProperty.RetryTopic]: message.topic,
      [ORIGIN_MESSAGE_ID]: createOffsetMessageId(host, port, header.offset),
      ...kept,
    };
    const isDead = header.delayLevel < 0 ||
      message.reconsumeTimes >= (header.maxReconsumeTimes ?? DEFAULT_RETRIES);
    const topic = `${isDead ? "%DLQ%" : "%RETRY%"}${header.group}`;
    topics.ensure(topic);
    if (!isDead) {
      const level = header.delayLevel || FIRST_LEVEL + message.reconsumeTimes;
      properties[MessageProperty.DelayTimeLevel] = String(level);
    }
    const { body, flag, sysFlag, bornTimestamp, bornHost } = message;
    const input: MessageInput = {
      ...{ topic, queueId: 0, body, properties, flag, sysFlag, bornTimestamp, bornHost },
      reconsumeTimes: message.reconsumeTimes + 1,
    };
    const deferred = delays.defer(input);
    if (deferred === "illegal") throw new Refusal(ResponseCode.MESSAGE_ILLEGAL, "illegal delay");
    const result = store.put(deferred ? deferred.input : input);
    if (result.status !== "stored") {
      throw new Refusal(ResponseCode.SYSTEM_ERROR, `putMessage failed: ${result.status}`);
    }
    if (deferred) delays.schedule(result.placements[0].position, deferred);
    return {};
  }]];
}
