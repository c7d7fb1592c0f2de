import type { ThrottledLogger } from "../logger.ts";
import type { MessageQueue } from "../message/mod.ts";
import type { ByteBudget } from "./byte_budget.ts";
import type { ConsumerEvents } from "./events.ts";
import type { Inbox } from "./inbox.ts";
import type { ConsumerSettings } from "./options.ts";
import type { BrokerCalls } from "./queue_calls.ts";

/** What the readers of all queues share. */
export interface ReaderContext {
  readonly settings: ConsumerSettings;
  readonly calls: BrokerCalls;
  readonly budget: ByteBudget;
  readonly inbox: Inbox;
  readonly warnings: ThrottledLogger;
  readonly events: ConsumerEvents;
  /** Reports whether this member has the queue. */
  isValid(queue: MessageQueue): boolean;
  /** Called when reading has to begin again at another offset. */
  onMoved(queue: MessageQueue, offset: bigint): void;
}
