import type { MessageQueue } from "../message/mod.ts";

/** A queue as a group reads it: the primary key of a table of offsets. */
export interface GroupQueue extends MessageQueue {
  /** Name of the group. */
  readonly group: string;
}

/** Where a consumer finds the offsets of its group, beside those that brokers keep. */
export interface GroupOffsets {
  /** Returns the offset at which the group goes on, `undefined` if none is stored. */
  read(queue: GroupQueue): Promise<bigint | undefined>;
  /** Stores that the group goes on at an offset, after a broker confirmed a dead letter before it. */
  passOver(queue: GroupQueue, offset: bigint): Promise<void>;
}
