import type { MessageQueue } from "../message/mod.ts";
import type { SendStatus } from "../requests/mod.ts";

/** What became of a message that was sent and stored. */
export interface SendResult {
  /** How safely it was stored. */
  readonly sendStatus: SendStatus;
  /** The id that the producer gave it (`UNIQ_KEY`); consumers see the same. */
  readonly messageId: string;
  /** The id that says where it is stored: broker address and position in the commit log. */
  readonly offsetMessageId: string;
  /** The queue that it is in. */
  readonly messageQueue: MessageQueue;
  /** Position in that queue. */
  readonly queueOffset: bigint;
}

/** The settings of one send. */
export interface SendOptions {
  /** Milliseconds for the whole send, all tries together. @default the producer's `sendTimeout` */
  timeout?: number;
  /** Ends the send early. A message that has left can't be taken back. */
  signal?: AbortSignal;
}
