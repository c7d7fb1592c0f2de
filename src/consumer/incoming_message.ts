import { InvalidStateError } from "../errors.ts";
import { type MessageExt, MessageProperty, type MessageQueue } from "../message/mod.ts";
import { checkRetryDelay } from "./retry_delay.ts";

/** The property in which a broker names the first delivery of a message that it delivers again. */
const ORIGIN_MESSAGE_ID = "ORIGIN_MESSAGE_ID";

/**
 * Says what became of a message.
 *
 * | settlement | meaning |
 * | --- | --- |
 * | `committed` | the broker confirmed an offset of the group that is beyond the message |
 * | `copied` | the broker confirmed that it will deliver the message again |
 * | `dead-lettered` | the broker confirmed that the message is in `%DLQ%group` |
 * | `released` | none of these is known: the message will be delivered again, here or elsewhere |
 */
export type Settlement = "committed" | "copied" | "dead-lettered" | "released";

/** A message as a consumer gets it. Exactly one of its three methods settles it. */
export interface ConsumedMessage {
  /** Name of the topic that it was sent to, also if it comes again. */
  readonly topic: string;
  /** The body, decompressed. */
  readonly body: Uint8Array;
  /** Its tag, if it has one. */
  readonly tags?: string;
  /** Its business keys. */
  readonly keys: readonly string[];
  /** All properties. */
  readonly properties: Readonly<Record<string, string>>;
  /** Names the message: the same in every delivery and retry of it. */
  readonly uniqueKey: string;
  /** Name of the group that reads it. */
  readonly group: string;
  /** The queue that it came from: of `%RETRY%group`, if it comes again. */
  readonly queue: MessageQueue;
  /** Its offset in this queue. */
  readonly offset: bigint;
  /** Number of this delivery, from 1. */
  readonly attempt: number;
  /** Time at which the broker stored it, by the clock of the broker. */
  readonly storedAt: Date;
  /** Id of the transaction that it was committed by, if it was one. */
  readonly transactionId?: string;
  /** Aborts when this member may no longer work on it: the queue is lost, or the consumer closes. */
  readonly signal: AbortSignal;
  /** Resolves when it is known what became of it. Never rejects. */
  readonly settled: Promise<Settlement>;
  /** Says that it is done. The next commit tells the broker. */
  ack(): void;
  /**
   * Says that it failed: it is delivered again after `delay` milliseconds, or after that of the options.
   * The last attempt makes it a dead letter.
   */
  retry(options?: { delay?: number }): void;
  /** Says that it can't be handled: it goes to `%DLQ%group` now. The reason goes to the log. */
  deadLetter(reason?: string): void;
}

/** What was decided about a message. */
export type Decision =
  | { kind: "ack" }
  | { kind: "retry"; delay: number | undefined }
  | { kind: "dead-letter"; reason: string };

/** Takes what is decided about messages. */
interface MessageOwner {
  readonly signal: AbortSignal;
  readonly queue: MessageQueue;
  readonly group: string;
  /** The offsets of the application that it reads by, one message at a time. */
  readonly offsets: object | undefined;
  begin(message: IncomingMessage): void;
  enter(): () => void;
  take(message: IncomingMessage, decision: Decision): void;
}

/** A message of a queue, from the pull until it is settled. */
export class IncomingMessage implements ConsumedMessage {
  readonly topic: string;
  readonly body: Uint8Array;
  readonly tags?: string;
  readonly keys: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly uniqueKey: string;
  readonly offset: bigint;
  readonly attempt: number;
  readonly storedAt: Date;
  readonly transactionId?: string;
  readonly settled: Promise<Settlement>;
  /** The message as it was read. */
  readonly source: MessageExt;
  /** Who was given the message, if it may give it back. */
  outlet: object | undefined;
  /** Messages of one lane are handled one after the other. */
  lane: string | undefined;
  readonly #owner: MessageOwner;
  readonly #settle: (settlement: Settlement) => void;
  #decision: Decision["kind"] | undefined;
  #isOver = false;

  constructor(source: MessageExt, topic: string, attempt: number, owner: MessageOwner) {
    this.source = source;
    this.topic = topic;
    this.body = source.body;
    this.keys = source.keys;
    this.properties = source.properties;
    this.uniqueKey = uniqueKeyOf(source);
    this.offset = source.queueOffset;
    this.attempt = attempt;
    this.storedAt = new Date(source.storeTimestamp);
    if (source.tags !== undefined) this.tags = source.tags;
    if (source.preparedTransactionOffset > 0n && source.transactionId !== undefined) {
      this.transactionId = source.transactionId;
    }
    this.#owner = owner;
    const { promise, resolve } = Promise.withResolvers<Settlement>();
    this.settled = promise;
    this.#settle = resolve;
  }

  get queue(): MessageQueue {
    return this.#owner.queue;
  }

  get group(): string {
    return this.#owner.group;
  }

  /** The offsets of the application by which its queue is read. */
  get offsets(): object | undefined {
    return this.#owner.offsets;
  }

  get signal(): AbortSignal {
    return this.#owner.signal;
  }

  /** `true` if one of the three methods was called, or nothing can be decided any more. */
  get isDecided(): boolean {
    return this.#isOver || this.#decision !== undefined;
  }

  ack(): void {
    this.#decide({ kind: "ack" });
  }

  retry({ delay }: { delay?: number } = {}): void {
    if (delay !== undefined) checkRetryDelay("delay", delay);
    this.#decide({ kind: "retry", delay });
  }

  deadLetter(reason = ""): void {
    this.#decide({ kind: "dead-letter", reason });
  }

  /** Takes note that it was handed out. */
  begin(outlet: object): void {
    this.outlet = outlet;
    this.#owner.begin(this);
  }

  /** Takes note that a handler runs. Call what is returned when it has ended. */
  enter(): () => void {
    return this.#owner.enter();
  }

  /** Ends it. What is called on it later has no effect. */
  end(settlement: Settlement): void {
    this.#isOver = true;
    this.#settle(settlement);
  }

  #decide(decision: Decision): void {
    if (this.#isOver || this.#decision === decision.kind) return;
    if (this.#decision !== undefined) {
      throw new InvalidStateError(
        `Cannot settle message "${this.uniqueKey}" by ${decision.kind}: it was settled by ` +
          `${this.#decision} already`,
      );
    }
    this.#decision = decision.kind;
    this.#owner.take(this, decision);
  }
}

/** Reports whether a consumer reads the queue of a message in order, by these stored offsets. */
export function readsInOrderOf(message: ConsumedMessage, offsets: object): boolean {
  return message instanceof IncomingMessage && message.offsets === offsets;
}

/** A retry of a message without an id of its producer names the first delivery of it. */
function uniqueKeyOf({ messageId, properties }: MessageExt): string {
  if (properties[MessageProperty.UniqueKey]) return messageId;
  return properties[ORIGIN_MESSAGE_ID] || messageId;
}
