import { MessageProperty } from "../../message/mod.ts";
import { RequestCode, ResponseCode } from "../../remoting/mod.ts";
import { recallMessageHeader, recallMessageResponseHeader } from "../../requests/mod.ts";
import { type Handler, NO_REMARK_SET, Refusal } from "../net/answer.ts";
import type { MessageInput } from "../store/message_store.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { MAX_TIMER_DELAY } from "./delayed_messages.ts";

/** What every answer to a recall carries beside the rest. */
const REGION = { MSG_REGION: "DefaultRegion" };

/** The handle of a message that waits for its timer; undefined of any other. */
export function recallHandleOf(
  { name }: BrokerParts,
  { properties }: MessageInput,
): string | undefined {
  const out = properties[MessageProperty.TimerOutMs];
  if (out === undefined) return undefined;
  const topic = properties[MessageProperty.RealTopic];
  const text = ["v1", topic, name, Number(out) + 1, properties[MessageProperty.UniqueKey]];
  return btoa(text.join(" ")).replaceAll("+", "-").replaceAll("/", "_");
}

/** The request that takes back what a timer would deliver. */
export function recallHandlers(broker: BrokerParts): [number, Handler][] {
  return [[RequestCode.RECALL_MESSAGE, (request) => {
    const { topic, recallHandle } = recallMessageHeader.decode(request.extFields);
    if (!broker.recallMessages) {
      throw refuse(ResponseCode.NO_PERMISSION, "recall failed, operation is forbidden");
    }
    if (!broker.topics.get(topic)) {
      throw refuse(ResponseCode.TOPIC_NOT_EXIST, `recall failed, the topic[${topic}] not exist`);
    }
    const [version, ownTopic, brokerName, time, uniqueKey] = decodeHandle(recallHandle);
    if (version !== "v1" || uniqueKey === undefined) throw illegal("recall handle is invalid");
    if (ownTopic !== topic) throw illegal("recall failed, topic not match");
    if (brokerName !== broker.name) throw illegal("recall failed, broker service not available");
    const left = Number(time) - broker.clock.now();
    if (!(left > 0 && left < MAX_TIMER_DELAY)) throw illegal("recall failed, timestamp invalid");
    broker.delays.recall(uniqueKey);
    return {
      remark: NO_REMARK_SET,
      extFields: { ...recallMessageResponseHeader.encode({ msgId: uniqueKey }), ...REGION },
    };
  }]];
}

function decodeHandle(handle: string): string[] {
  try {
    return atob(handle.replaceAll("-", "+").replaceAll("_", "/")).split(" ");
  } catch {
    return [];
  }
}

function illegal(remark: string): Refusal {
  return refuse(ResponseCode.ILLEGAL_OPERATION, remark);
}

function refuse(code: ResponseCode, remark: string): Refusal {
  return new Refusal(code, remark, REGION);
}
