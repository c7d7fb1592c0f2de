import { RequestCode, ResponseCode } from "../../remoting/mod.ts";
import {
  getMaxOffsetHeader,
  getMinOffsetHeader,
  offsetResponseHeader,
  queryConsumerOffsetHeader,
  searchOffsetHeader,
  updateConsumerOffsetHeader,
} from "../../requests/mod.ts";
import { type Answer, type Handler, Refusal } from "../net/answer.ts";
import type { MessageStore } from "../store/message_store.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { SystemTopic } from "./system_topics.ts";

/** The group under which a broker keeps how far its checks have come through the half messages. */
const CHECK_GROUP = "CID_RMQ_SYS_TRANS";

/** The requests about positions in queues. */
export function offsetHandlers(broker: BrokerParts): [number, Handler][] {
  const { store, offsets, topics, groups } = broker;
  return [
    [RequestCode.GET_MAX_OFFSET, (request) => {
      const { topic, queueId } = getMaxOffsetHeader.decode(request.extFields);
      return offsetAnswer(BigInt(store.queueLength(topic, queueId)));
    }],
    [RequestCode.GET_MIN_OFFSET, (request) => {
      getMinOffsetHeader.decode(request.extFields);
      return { ...offsetAnswer(0n), remark: "" };
    }],
    [RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, (request) => {
      const header = searchOffsetHeader.decode(request.extFields);
      const { topic, queueId, timestamp, boundaryType } = header;
      const isUpper = boundaryType?.toUpperCase() === "UPPER";
      return offsetAnswer(BigInt(searchByTime(store, topic, queueId, Number(timestamp), isUpper)));
    }],
    [RequestCode.QUERY_CONSUMER_OFFSET, (request) => {
      const header = queryConsumerOffsetHeader.decode(request.extFields);
      const { consumerGroup, topic, queueId, setZeroIfNotFound } = header;
      const offset = consumerGroup === CHECK_GROUP && topic === SystemTopic.Half
        ? BigInt(broker.halves.scanOffset)
        : offsets.get(consumerGroup, topic, queueId);
      if (offset !== undefined) return offsetAnswer(offset);
      if (setZeroIfNotFound === false) {
        throw new Refusal(
          ResponseCode.QUERY_NOT_FOUND,
          "Not found, do not set to zero, maybe this group boot first",
        );
      }
      if (store.queueLength(topic, queueId) > 0) return offsetAnswer(0n);
      throw new Refusal(
        ResponseCode.QUERY_NOT_FOUND,
        "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first",
      );
    }],
    [RequestCode.UPDATE_CONSUMER_OFFSET, (request) => {
      const header = updateConsumerOffsetHeader.decode(request.extFields);
      const { consumerGroup, topic, queueId, commitOffset } = header;
      if (!groups.get(consumerGroup)) {
        throw new Refusal(
          ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
          `Group ${consumerGroup} not exist!`,
        );
      }
      if (!topics.get(topic)) {
        throw new Refusal(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} not exist!`);
      }
      if (offsets.isReset(consumerGroup, topic, queueId)) {
        return { remark: "Offset has been previously reset" };
      }
      offsets.set(consumerGroup, topic, queueId, commitOffset);
      return {};
    }],
  ];
}

function offsetAnswer(offset: bigint): Answer {
  return { extFields: offsetResponseHeader.encode({ offset }) };
}

/** The first message stored at `timestamp` or later; `isUpper`: the last one at it or earlier. */
export function searchByTime(
  store: MessageStore,
  topic: string,
  queueId: number,
  timestamp: number,
  isUpper: boolean,
): number {
  let low = 0, high = store.queueLength(topic, queueId);
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { storeTimestamp } = store.messageAt(topic, queueId, middle)!;
    const isBefore = isUpper ? storeTimestamp <= timestamp : storeTimestamp < timestamp;
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return isUpper ? Math.max(0, low - 1) : low;
}
