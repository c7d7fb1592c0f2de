import type { MessageQueue } from "../message/mod.ts";
import type { SendStatus } from "../requests/mod.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import type { QueueName, SelectQueue } from "./queue_choice.ts";
import type { SendReceipt } from "./send_receipt.ts";

/** What became of a message that was sent and stored. */
export interface SendResult {
  /** How safely it was stored. */
  readonly sendStatus: SendStatus;
  /** The id that the producer gave it (`UNIQ_KEY`); consumers see the same. */
  readonly messageId: string;
  /**
   * The id that says where it is stored: broker address and position in the commit log. Empty for a
   * reply to a broker that passes replies on and does not store them.
   */
  readonly offsetMessageId: string;
  /** The queue that it is in. */
  readonly messageQueue: MessageQueue;
  /** Position in that queue. */
  readonly queueOffset: bigint;
  /** What a message with `delay` or `deliverAt` is taken back with. */
  readonly recallHandle?: string;
}

/** The settings of one call that asks brokers for something. */
export interface CallOptions {
  /**
   * Milliseconds for the whole call.
   *
   * @default {the producer's sendTimeout}
   */
  timeout?: number;
  /** Ends the wait early. What a broker was asked to do can't be taken back. */
  signal?: AbortSignal;
}

/** The settings of one send. At most one of `queue` and `selector` is allowed. */
export interface SendOptions {
  /** The queue that the message goes to. A try that failed is repeated there, never elsewhere. */
  queue?: QueueName;
  /**
   * Chooses the queue that the message goes to, once for each send. A try that failed is repeated
   * there, never elsewhere.
   *
   * @default {one with shardingKey goes by selectByHash, any other goes round}
   */
  selector?: SelectQueue;
  /**
   * Milliseconds for the whole send, all tries together.
   *
   * @default {the producer's sendTimeout}
   */
  timeout?: number;
  /** Ends the send early. A message that has left can't be taken back. */
  signal?: AbortSignal;
}

/** What a caller is told of a message that was stored. */
export function resultOf(message: OutgoingMessage, receipt: SendReceipt): SendResult {
  const { sendStatus, offsetMessageId, messageQueue, queueOffset, recallHandle } = receipt;
  return {
    sendStatus,
    messageId: message.uniqueKey,
    offsetMessageId,
    messageQueue,
    queueOffset,
    ...(recallHandle === undefined ? {} : { recallHandle }),
  };
}
