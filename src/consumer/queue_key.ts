import type { MessageQueue } from "../message/mod.ts";

/** The name of a queue in maps. */
export function queueKey({ topic, brokerName, queueId }: MessageQueue): string {
  return `${topic}@${brokerName}@${queueId}`;
}
