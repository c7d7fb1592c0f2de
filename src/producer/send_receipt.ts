import type { Deadline } from "../client/mod.ts";
import type { MessageQueue } from "../message/mod.ts";
import type { SendStatus } from "../requests/mod.ts";
import type { Connection } from "../transport/mod.ts";
import type { QueueChoice } from "./queue_choice.ts";

/** What the broker said of a message that it stored, and where. */
export interface SendReceipt {
  /** How well it was stored. */
  readonly sendStatus: SendStatus;
  /** The queue that it went to; of a half message the one that it will go to. */
  readonly messageQueue: MessageQueue;
  /** Position in that queue; of a half message the position in the half topic. */
  readonly queueOffset: bigint;
  /** Where it was stored: broker address and physical offset. Empty for a reply that was not. */
  readonly offsetMessageId: string;
  /** The ids of all messages of a batch; otherwise the one. */
  readonly offsetMessageIds: readonly string[];
  /** Whether the broker keeps a batch as one record. */
  readonly innerBatch: boolean;
  /** What a timer message is taken back with. */
  readonly recallHandle?: string | undefined;
  /** The physical offset in {@linkcode SendReceipt.offsetMessageId}. */
  readonly commitLogOffset: bigint;
  /** The connection that it was sent on. */
  readonly connection: Connection;
  /** The same, unless only sends may use it. */
  readonly verdictConnection: Connection | undefined;
  /** Region of the broker. */
  readonly regionId?: string | undefined;
  /** Whether the broker wants traces. */
  readonly traceOn: boolean;
}

/** The bounds of one send. */
export interface SendBounds {
  /** When it must be over. */
  deadline: Deadline;
  /** Ends it early. */
  signal?: AbortSignal | undefined;
  /** Chooses the queue; without it, a sharding key does, or it is the next one. */
  choose?: QueueChoice | undefined;
}
