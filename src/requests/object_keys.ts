import type { MessageQueue } from "../message/mod.ts";
import { JsonValue } from "./json_body.ts";
import type { ResponseContext } from "./response.ts";

/*
  Java's fastjson writes maps whose keys are objects with these objects as keys:

    {"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"Orders"}:7}}
*/

/** Most queues in one body, as many as a route has at most. */
const MAX_QUEUES = 65_536;

/** Writes a map by queues like Java: the text of an object stands where JSON has a text. */
export function stringifyByQueue(entries: Iterable<readonly [MessageQueue, string]>): string {
  const members = Array.from(entries, ([{ brokerName, queueId, topic }, value]) => {
    const key = JSON.stringify({ brokerName, queueId, topic });
    return `${key}:${value}`;
  });
  return `{${members.join(",")}}`;
}

/**
 * Reads a map by queues.
 *
 * @throws {ProtocolError} when a key is no queue.
 */
export function readByQueue<T>(
  table: JsonValue,
  what: string,
  context: ResponseContext,
  read: (value: JsonValue) => T,
): { queue: MessageQueue; value: T }[] {
  return table.entries(MAX_QUEUES).map(([key, value]) => {
    const queue = JsonValue.parse(new TextEncoder().encode(key), what, context);
    return {
      queue: {
        topic: queue.member("topic").string(),
        brokerName: queue.member("brokerName").string(),
        queueId: queue.member("queueId").integer(0, 2 ** 31 - 1),
      },
      value: read(value),
    };
  });
}
