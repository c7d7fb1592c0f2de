import { concat } from "../../bytes.ts";
import { RequestCode, ResponseCode } from "../../remoting/mod.ts";
import {
  type PullMessageHeader,
  pullMessageHeader,
  pullMessageResponseHeader,
  PullSysFlag,
} from "../../requests/mod.ts";
import { type Answer, type Handler, Refusal, SEE_FAQ } from "../net/answer.ts";
import { readQueue, type ReadResult, type ReadStatus } from "../store/read_queue.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { type TagFilter, tagFilter } from "./tag_filter.ts";
import { Permission } from "./topics.ts";

const CODES: Readonly<Record<ReadStatus, ResponseCode>> = {
  FOUND: ResponseCode.SUCCESS,
  NO_MATCHED_MESSAGE: ResponseCode.PULL_RETRY_IMMEDIATELY,
  NO_MESSAGE_IN_QUEUE: ResponseCode.PULL_NOT_FOUND,
  OFFSET_OVERFLOW_ONE: ResponseCode.PULL_NOT_FOUND,
  OFFSET_OVERFLOW_BADLY: ResponseCode.PULL_OFFSET_MOVED,
  OFFSET_TOO_SMALL: ResponseCode.PULL_OFFSET_MOVED,
};

/** The requests that read messages of a queue. */
export function pullHandlers(broker: BrokerParts): [number, Handler][] {
  const pull: Handler = (request, connection) => {
    const header = pullMessageHeader.decode(request.extFields);
    checkGroup(broker, header);
    checkQueue(broker, header, connection.remote);
    const matches = filterOf(broker, header);
    const { topic, queueId, consumerGroup, sysFlag } = header;
    const read = () =>
      readQueue(broker.store, {
        ...{ topic, queueId, matches },
        offset: Number(header.queueOffset),
        maxMessages: header.maxMsgNums,
      });
    if ((sysFlag & PullSysFlag.COMMIT_OFFSET) !== 0) {
      broker.offsets.set(consumerGroup, topic, queueId, header.commitOffset);
    }
    const reset = () => {
      const offset = broker.offsets.takeReset(consumerGroup, topic, queueId);
      return offset === undefined ? undefined : answerOfReset(offset);
    };
    const moved = reset();
    if (moved) return moved;
    const result = read(), timeout = Number(header.suspendTimeoutMillis);
    const code = codeOf(result, header);
    const waits = code === ResponseCode.PULL_NOT_FOUND && (sysFlag & PullSysFlag.SUSPEND) !== 0;
    if (!waits || timeout <= 0) return answerOf(result, code);
    return broker.holds.wait({ topic, queueId, connection, timeout, matches }).then(() => {
      const moved = reset();
      if (moved) return moved;
      const later = read();
      return answerOf(later, codeOf(later, header));
    });
  };
  return [[RequestCode.PULL_MESSAGE, pull], [RequestCode.LITE_PULL_MESSAGE, pull]];
}

function checkGroup({ groups }: BrokerParts, { consumerGroup }: PullMessageHeader): void {
  const config = groups.ensure(consumerGroup);
  if (!config) {
    throw new Refusal(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group [${consumerGroup}] does not exist, ${SEE_FAQ}`,
    );
  }
  if (!config.consumeEnable) {
    throw new Refusal(
      ResponseCode.NO_PERMISSION,
      `subscription group no permission, ${consumerGroup}`,
      { forbiddenType: "2" },
    );
  }
}

function checkQueue({ topics }: BrokerParts, header: PullMessageHeader, remote: string): void {
  const { topic, queueId } = header;
  const config = topics.get(topic);
  if (!config) {
    throw new Refusal(
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${topic}] not exist, apply first please! ${SEE_FAQ}`,
    );
  }
  if ((config.perm & Permission.READ) === 0) {
    throw new Refusal(
      ResponseCode.NO_PERMISSION,
      `the topic[${topic}] pulling message is forbidden`,
      { forbiddenType: "3" },
    );
  }
  if (queueId >= config.readQueueNums) {
    throw new Refusal(
      ResponseCode.INVALID_PARAMETER,
      `queueId[${queueId}] is illegal, topic:[${topic}] ` +
        `topicConfig.readQueueNums:[${config.readQueueNums}] consumer:[/${remote}]`,
    );
  }
}

/** By the subscription in the request, or by the one of the group's heartbeats. */
function filterOf({ consumers }: BrokerParts, header: PullMessageHeader): TagFilter {
  if ((header.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0) {
    return tagFilter(header.subscription, header.expressionType);
  }
  const subscriptions = consumers.subscriptions(header.consumerGroup);
  if (!subscriptions) {
    throw new Refusal(
      ResponseCode.SUBSCRIPTION_NOT_EXIST,
      `the consumer's group info not exist${SEE_FAQ}`,
    );
  }
  const subscription = subscriptions.get(header.topic);
  if (subscription === undefined) {
    throw new Refusal(
      ResponseCode.SUBSCRIPTION_NOT_EXIST,
      `the consumer's subscription not exist${SEE_FAQ}`,
    );
  }
  return tagFilter(subscription.expression, subscription.expressionType);
}

function codeOf({ status }: ReadResult, { queueOffset }: PullMessageHeader): ResponseCode {
  if (status === "NO_MESSAGE_IN_QUEUE" && queueOffset !== 0n) return ResponseCode.PULL_OFFSET_MOVED;
  return CODES[status];
}

function answerOfReset(nextBeginOffset: bigint): Answer {
  return {
    code: ResponseCode.PULL_OFFSET_MOVED,
    remark: "OFFSET_RESET",
    extFields: pullMessageResponseHeader.encode({
      suggestWhichBrokerId: 0n,
      nextBeginOffset,
      minOffset: 0n,
      maxOffset: 0n,
      topicSysFlag: 0,
      groupSysFlag: 0,
    }),
  };
}

function answerOf({ status, nextOffset, maxOffset, records }: ReadResult, code: number): Answer {
  return {
    code,
    remark: status,
    extFields: pullMessageResponseHeader.encode({
      suggestWhichBrokerId: 0n,
      nextBeginOffset: BigInt(nextOffset),
      minOffset: 0n,
      maxOffset: BigInt(maxOffset),
      topicSysFlag: 0,
      groupSysFlag: 0,
    }),
    body: concat(records),
  };
}
