import { InvalidArgumentError } from "../errors.ts";
import type { DelayableMessage, MessageQueue } from "../message/internal.ts";
import { type SelectQueue, selectRandom } from "./queue_choice.ts";

/** How {@linkcode selectByMachineRoom} goes about it. */
export interface MachineRoomOptions {
  /**
   * The room of a broker, by its name.
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
 * Chooses among the queues of those brokers that stand in one of `rooms`, and among all of them while
 * there is none.
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
