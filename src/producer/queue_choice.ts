import { systemClock } from "../clock.ts";
import { InvalidArgumentError, printable, TopicRouteNotFoundError } from "../errors.ts";
import { type DelayableMessage, javaStringHash, type MessageQueue } from "../message/internal.ts";
import type { TopicRoute } from "../route/mod.ts";

/** A queue of a topic that is known otherwise. A {@linkcode MessageQueue} is one. */
export type QueueName = Pick<MessageQueue, "brokerName" | "queueId">;

/**
 * Chooses one of the queues that a topic has now: at least one, ordered by broker name and number.
 * The message is the one that was handed to `send`.
 */
export type SelectQueue = (
  queues: readonly MessageQueue[],
  message: DelayableMessage,
) => MessageQueue;

/** A choice that was made before the route was known: a queue, or how one is chosen. */
export type QueueChoice = (route: TopicRoute) => MessageQueue;

/**
 * Chooses the same queue for the same key, as long as the queues stay the same. Java's
 * `SelectMessageQueueByHash` chooses the same one for a `String`.
 *
 * @throws {InvalidArgumentError} when the key is not a string.
 *
 * @example
 * ```ts
 * import { Producer, selectByHash } from "@rocketmq-deno/client";
 *
 * async function send(producer: Producer, order: { id: string; customer: string }): Promise<void> {
 *   const selector = selectByHash(order.customer);
 *   await producer.send({ topic: "orders", body: order.id }, { selector });
 * }
 * ```
 */
export function selectByHash(key: string): (queues: readonly MessageQueue[]) => MessageQueue {
  if (typeof key !== "string") {
    throw new InvalidArgumentError("Cannot select a queue by hash: the key is not a string");
  }
  const hash = javaStringHash(key);
  return (queues) => queues[Math.abs(hash % queues.length)]!;
}

/** Chooses any queue. `random` gives a number in [0, 1); the default is that of the runtime. */
export function selectRandom(
  random: () => number = () => systemClock.random(),
): (queues: readonly MessageQueue[]) => MessageQueue {
  return (queues) => queues[Math.floor(random() * queues.length)]!;
}

/** How a send chooses its queue; undefined when it takes the next one. @throws {InvalidArgumentError} */
export function queueChoice(
  message: DelayableMessage,
  { queue, selector }: { queue?: QueueName; selector?: SelectQueue },
): QueueChoice | undefined {
  if (queue !== undefined && selector !== undefined) {
    throw new InvalidArgumentError("Cannot choose a queue: queue and selector exclude each other");
  }
  if (selector !== undefined) {
    if (typeof selector !== "function") {
      throw new InvalidArgumentError("Cannot choose a queue: selector is not a function");
    }
    return (route) => select(route, selector, message);
  }
  if (queue === undefined) return undefined;
  const { brokerName, queueId } = queue ?? {};
  if (typeof brokerName !== "string" || (queueId! | 0) !== queueId || queueId < 0) {
    throw new InvalidArgumentError(
      `Cannot choose queue ${printable(String(queueId), 32)} of broker "${
        printable(String(brokerName), 64)
      }": the name of a broker and the number of a queue from 0 are needed`,
    );
  }
  return ({ topic }) => ({ topic, brokerName, queueId });
}

/** The error when no queue of a topic can be written to, or the broker of a chosen one is unknown. */
export function noQueue(route: TopicRoute, brokerName?: string): TopicRouteNotFoundError {
  const { topic } = route;
  const reason = route.describeUnwritable() ??
    `its route names no master of broker "${printable(brokerName ?? "", 64)}"`;
  return new TopicRouteNotFoundError(`Cannot send to topic "${topic}": ${reason}`, {
    topic,
    isRetriable: true,
  });
}

function select(
  { topic, writableQueues }: TopicRoute,
  selector: SelectQueue,
  message: DelayableMessage,
): MessageQueue {
  const chosen = selector(writableQueues, message) as MessageQueue | undefined;
  const queue = writableQueues.find((queue) =>
    queue === chosen ||
    queue.brokerName === chosen?.brokerName && queue.queueId === chosen.queueId
  );
  if (queue) return queue;
  throw new InvalidArgumentError(
    `Cannot send to topic "${topic}": the selector chose ${
      chosen === undefined ? "nothing" : "something else"
    }, one of the ${writableQueues.length} queues that it was given is allowed`,
    { topic },
  );
}
