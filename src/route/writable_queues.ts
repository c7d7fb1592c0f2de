import { printable, ProtocolError } from "../errors.ts";
import type { MessageQueue } from "../message/mod.ts";
import { MAX_ROUTE_QUEUES, type QueueData, type TopicRouteData } from "../requests/mod.ts";
import { MASTER_ID, type RouteBroker } from "./broker_table.ts";

/** Bit of a queue's permission that lets messages be written. */
const PERM_WRITE = 2;

/** Whether messages may be written to the queues of an entry. */
export function isWritable(data: QueueData): boolean {
  return (data.perm & PERM_WRITE) !== 0;
}

/**
 * The queues that messages are sent to, by the rules of the Java client: those that the order
 * configuration names, if there is one; otherwise, sorted by broker name, all queues that may be
 * written to and whose broker has a master.
 *
 * @throws {ProtocolError} when the order configuration is not one, or names too many queues.
 */
export function listWritableQueues(
  topic: string,
  data: TopicRouteData,
  brokers: ReadonlyMap<string, RouteBroker>,
): MessageQueue[] {
  const counts = data.orderTopicConf?.trim()
    ? readOrderConfiguration(topic, data.orderTopicConf)
    : data.queueDatas
      .filter((queue) =>
        isWritable(queue) && brokers.get(queue.brokerName)?.addresses.has(MASTER_ID)
      )
      .map((queue): [string, number] => [queue.brokerName, queue.writeQueueNums])
      .sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  if (total > MAX_ROUTE_QUEUES) {
    throw refuse(topic, `it has ${total} queues, at most ${MAX_ROUTE_QUEUES} are allowed`);
  }
  return counts.flatMap(([brokerName, count]) =>
    Array.from({ length: count }, (_, queueId) => ({ topic, brokerName, queueId }))
  );
}

/** Reads `broker-a:8;broker-b:8`. */
function readOrderConfiguration(topic: string, text: string): [string, number][] {
  return text.split(";").filter((item) => item.trim() !== "").map((item) => {
    const match = /^([^:]+):(\d{1,5})$/.exec(item.trim());
    if (!match) {
      throw refuse(
        topic,
        `"${
          printable(item, 80)
        }" in its order configuration is not a broker name and a number of queues`,
      );
    }
    return [match[1]!, Number(match[2])];
  });
}

function refuse(topic: string, reason: string): ProtocolError {
  return new ProtocolError(`Cannot use the route of topic "${topic}": ${reason}`, { topic });
}
