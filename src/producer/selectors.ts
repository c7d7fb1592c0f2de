import { systemClock } from "../clock.ts";
import { InvalidArgumentError } from "../errors.ts";
import { javaStringHash } from "../message/mod.ts";
import type { DelayableMessage, MessageQueue } from "../message/internal.ts";

/** Names a queue of a topic that is known otherwise. A {@linkcode MessageQueue} is one. */
export type QueueName = Pick<MessageQueue, "brokerName" | "queueId">;

/**
 * Chooses one of the queues that a topic has now: at least one, ordered by broker name and number.
 * The message is the one that was handed to `send`.
 */
export type SelectQueue = (
  queues: readonly MessageQueue[],
  message: DelayableMessage,
) => MessageQueue;

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

/** Configures {@linkcode selectByMachineRoom}. */
export interface MachineRoomOptions {
  /**
   * Tells the room of a broker by its name.
   *
   * @default {what stands before the at sign in names of the form room@broker, as Java consumers read them}
   */
  roomOf?: (brokerName: string) => string | undefined;
  /**
   * Chooses among the queues that are left.
   *
   * @default {selectRandom}
   */
  select?: SelectQueue;
}

/**
 * Chooses among the queues of those brokers that stand in one of `rooms`. While there is none, it
 * chooses among all of them.
 *
 * @throws {InvalidArgumentError} when `rooms` is empty.
 *
 * @example
 * ```ts
 * import { Producer, selectByMachineRoom } from "@rocketmq-deno/client";
 *
 * async function send(producer: Producer): Promise<void> {
 *   const selector = selectByMachineRoom(["hangzhou-1", "hangzhou-2"]);
 *   await producer.send({ topic: "orders", body: "order 1" }, { selector });
 * }
 * ```
 */
export function selectByMachineRoom(
  rooms: Iterable<string>,
  { roomOf = roomInName, select = selectRandom() }: MachineRoomOptions = {},
): SelectQueue {
  const wanted = new Set(rooms);
  if (wanted.size === 0) {
    throw new InvalidArgumentError(
      "Cannot select a queue by machine room: rooms is empty, at least one name is needed",
    );
  }
  return (queues: readonly MessageQueue[], message: DelayableMessage) => {
    const near = queues.filter(({ brokerName }) => {
      const room = roomOf(brokerName);
      return room !== undefined && wanted.has(room);
    });
    return select(near.length > 0 ? near : queues, message);
  };
}

function roomInName(brokerName: string): string | undefined {
  const parts = brokerName.split("@");
  return parts.length === 2 ? parts[0] : undefined;
}
