import { RequestCode, ResponseCode } from "../../remoting/mod.ts";
import { createTopicHeader } from "../../requests/mod.ts";
import { type Handler, NO_REMARK_SET, Refusal } from "../net/answer.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { parseJson } from "./json.ts";
import type { LockedQueue } from "./queue_locks.ts";
import { describeBadTopic, isSystemTopic } from "./system_topics.ts";

/** The requests that make topics and lock queues. */
export function adminHandlers(broker: BrokerParts): [number, Handler][] {
  const { topics, locks, clock } = broker;
  return [
    [RequestCode.UPDATE_AND_CREATE_TOPIC, (request) => {
      const header = createTopicHeader.decode(request.extFields);
      const { topic, readQueueNums, writeQueueNums, perm, order } = header;
      const bad = describeBadTopic(topic) ??
        (isSystemTopic(topic) ? `The topic[${topic}] is conflict with system topic.` : undefined);
      if (bad !== undefined) throw new Refusal(ResponseCode.INVALID_PARAMETER, bad);
      const attributes = new Map(topics.get(topic)?.attributes);
      for (const [name, value] of parseAttributes(header.attributes ?? "")) {
        if (value === undefined) attributes.delete(name);
        else attributes.set(name, value);
      }
      const topicSysFlag = header.topicSysFlag ?? 0;
      topics.set({ topic, readQueueNums, writeQueueNums, perm, topicSysFlag, order, attributes });
      return { remark: NO_REMARK_SET };
    }],
    [RequestCode.LOCK_BATCH_MQ, (request) => {
      const { group, clientId, queues } = readLockRequest(request.body);
      const now = clock.monotonic();
      const lockOKMQSet = queues.filter((queue) => locks.lock(group, queue, clientId, now));
      return { body: new TextEncoder().encode(JSON.stringify({ lockOKMQSet })) };
    }],
    [RequestCode.UNLOCK_BATCH_MQ, (request) => {
      const { group, clientId, queues } = readLockRequest(request.body);
      for (const queue of queues) locks.unlock(group, queue, clientId);
      return {};
    }],
  ];
}

/** `+name=value` sets, `-name` deletes. */
function parseAttributes(text: string): [name: string, value: string | undefined][] {
  return text.split(",").filter((entry) => entry !== "").map((entry) => {
    const match = /^(?:\+([^=]+)=(.+)|-([^=]+))$/.exec(entry);
    if (!match) {
      throw new Refusal(ResponseCode.SYSTEM_ERROR, `kv string format wrong: ${entry}`);
    }
    return [match[1] ?? match[3]!, match[2]];
  });
}

function readLockRequest(
  body: Uint8Array,
): { group: string; clientId: string; queues: LockedQueue[] } {
  const { consumerGroup = "", clientId = "", mqSet = [] } = parseJson(body) as {
    consumerGroup?: string;
    clientId?: string;
    mqSet?: LockedQueue[];
  };
  return { group: consumerGroup, clientId, queues: mqSet };
}
