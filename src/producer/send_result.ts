import { namesOf } from "../checks.ts";
import type { MessageQueue } from "../message/mod.ts";
import type { SendStatus } from "../requests/mod.ts";
import type { TelemetryContext } from "../telemetry.ts";
import type { Connection } from "../transport/mod.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import type { QueueName, SelectQueue } from "./selectors.ts";

/** Describes a message that was sent and stored. */
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
  /** Takes a message with `delay` or `deliverAt` back, see {@linkcode Producer.recall}. */
  readonly recallHandle?: string;
}

/** Configures one call that asks brokers for something. */
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

/** Configures one send. At most one of `queue` and `selector` is allowed. */
export interface SendOptions {
  /** The queue that the message goes to. An attempt that failed is repeated there, never elsewhere. */
  queue?: QueueName;
  /**
   * Chooses the queue that the message goes to, once for each send. An attempt that failed is repeated
   * there, never elsewhere.
   *
   * @default {one with shardingKey goes by selectByHash, any other goes round}
   */
  selector?: SelectQueue;
  /**
   * Milliseconds for the whole send, all attempts together.
   *
   * @default {the producer's sendTimeout}
   */
  timeout?: number;
  /** Ends the send early. A message that has left can't be taken back. */
  signal?: AbortSignal;
}

/** Names the options of a call. */
export const CALL_OPTIONS: ReadonlySet<string> = namesOf<CallOptions>({
  timeout: true,
  signal: true,
});

/** Names the options of a send. */
export const SEND_OPTIONS: ReadonlySet<string> = namesOf<SendOptions>({
  queue: true,
  selector: true,
  timeout: true,
  signal: true,
});

/** Counts sends: of messages, batches, requests, replies and transactional messages. */
export interface SendCounters {
  /** Sends that ended well: stored, or written if nothing was awaited. */
  sends: number;
  /** Sends that ended with an error, whether a broker has the message or not. */
  sendErrors: number;
  /** Attempts after the first ones. */
  sendRetries: number;
  /** Sends that are under way. */
  sendsInFlight: number;
}

/** Counts what a producer has done since it was made, and what it holds now. */
export interface ProducerStats extends SendCounters {
  /** Message traces that were lost: they found no room, or could not be sent. */
  droppedTraces: number;
  /** Brokers that this producer is registered with now. */
  registeredBrokers: string[];
  /** Open connections, to name servers and brokers. */
  openConnections: number;
  /** Times that a broker was registered with again after its connection was lost. */
  reconnects: number;
  /** Events that slow iterations over `events()` lost. */
  droppedEvents: number;
}

/** Holds what the broker said of a message that it stored, and where. */
export interface SendReceipt {
  /** How safely it was stored. */
  readonly sendStatus: SendStatus;
  /** The queue that it went to; of a transactional message the one that it will go to. */
  readonly messageQueue: MessageQueue;
  /** Position in that queue; of a transactional message that of its record in the broker's own topic. */
  readonly queueOffset: bigint;
  /** Where it was stored: broker address and physical offset. Empty for a reply that was not. */
  readonly offsetMessageId: string;
  /** The ids of all messages of a batch; otherwise the one. */
  readonly offsetMessageIds: readonly string[];
  /** `true` if the broker keeps a batch as one record. */
  readonly innerBatch: boolean;
  /** Takes a timer message back. */
  readonly recallHandle?: string | undefined;
  /** The physical offset in {@linkcode SendReceipt.offsetMessageId}. */
  readonly commitLogOffset: bigint;
  /** The connection that it was sent on. */
  readonly connection: Connection;
  /** The registered connection of the broker; undefined if it was sent on one for sends only. */
  readonly brokerConnection: Connection | undefined;
  /** Bytes of the body as it was sent. */
  readonly bodySize: number;
  /** Seconds for which the broker is not to check back about it. */
  readonly checkImmunity?: number | undefined;
  /** Region of the broker. */
  readonly regionId?: string | undefined;
  /** `true` if the broker wants traces. */
  readonly traceOn: boolean;
  /** Parent of the spans that belong to the send. */
  readonly context?: TelemetryContext;
}

/** Makes what a caller gets for a message that was stored. */
export function resultOf(
  { uniqueKey }: Pick<OutgoingMessage, "uniqueKey">,
  { sendStatus, offsetMessageId, messageQueue, queueOffset, recallHandle }: SendReceipt,
): SendResult {
  const result = { sendStatus, messageId: uniqueKey, offsetMessageId, messageQueue, queueOffset };
  return recallHandle === undefined ? result : { ...result, recallHandle };
}
