import type { Clock } from "../clock.ts";
import { describe } from "../errors.ts";
import type { ThrottledLogger } from "../logger.ts";
import { createProperties, encodeProperties, MessageProperty } from "../message/internal.ts";
import type { SendKind } from "../requests/mod.ts";
import type { TelemetryContext } from "../telemetry.ts";
import { amendBatch } from "./batch.ts";
import {
  amendMessage,
  checkTransactionalProperties,
  type OutgoingMessage,
  type ReadMessage,
} from "./outgoing_message.ts";
import type { SendReceipt } from "./send_result.ts";

/** Describes a send that begins. */
export interface SendStart {
  readonly kind: SendKind;
  readonly topic: string;
  readonly producerGroup: string;
  /** Of a batch its own. */
  readonly messageId: string;
  /** The message; of a batch all of them. */
  readonly parts: readonly ReadMessage[];
  /** When it began, in milliseconds since 1970. */
  readonly timestamp: number;
}

/** Describes how a send ended. */
export interface SendEnd {
  /** Milliseconds, the wait for its turn included. */
  readonly duration: number;
  readonly error?: unknown;
  /** What the broker said, if an answer was awaited. */
  readonly receipt?: SendReceipt | undefined;
}

/** Instruments sends: a hook of the application, spans, or message traces. */
export interface SendObserver {
  /** Lets a send pass, before any observation begins. @throws {SendForbiddenError} */
  allow?(start: SendStart): void;
  /** Begins to observe a send. Must not throw. */
  begin(start: SendStart): SendObservation | undefined;
}

/** Observes one send. Its methods must not throw. */
export interface SendObservation {
  /** Parent of the spans that belong to the send. */
  readonly context?: TelemetryContext;
  /** Gives properties for a message that has those of `own`. */
  add?(own: Readonly<Record<string, string>>): Record<string, string> | undefined;
  /** Called once, however the send ends. */
  end(end: SendEnd): void;
}

/** Provides what a {@linkcode SendWatch} works with. */
export interface SendWatchOptions {
  readonly producerGroup: string;
  readonly clock: Clock;
  readonly warnings: ThrottledLogger;
  /** Most bytes of a batch. */
  readonly maxMessageSize: number;
}

/** Passes each send to all observers. What it has begun for them it also ends. */
export class SendWatch {
  readonly #options: SendWatchOptions;
  readonly #observers: readonly SendObserver[];

  constructor(options: SendWatchOptions, observers: readonly SendObserver[]) {
    this.#options = options;
    this.#observers = observers;
  }

  /** `false` if there is nobody to tell. */
  get isActive(): boolean {
    return this.#observers.length > 0;
  }

  /**
   * Runs a send, with the properties that observers add to its message.
   *
   * @throws {SendForbiddenError} before anything has begun. Otherwise throws what `send` throws.
   */
  async around<T extends SendReceipt | undefined>(
    kind: SendKind,
    message: OutgoingMessage,
    send: (message: OutgoingMessage) => Promise<T>,
  ): Promise<T> {
    const { producerGroup, clock } = this.#options;
    const start: SendStart = {
      kind,
      topic: message.topic,
      producerGroup,
      messageId: message.uniqueKey,
      parts: message.parts ?? [message],
      timestamp: Math.floor(clock.now()),
    };
    for (const observer of this.#observers) observer.allow?.(start);
    const startedAt = clock.monotonic();
    const observations = this.#observers.flatMap((observer) => observer.begin(start) ?? []);
    const end = (how: Omit<SendEnd, "duration">) => {
      const duration = clock.monotonic() - startedAt;
      for (const observation of observations) observation.end({ ...how, duration });
    };
    try {
      const receipt = await send(this.#amend(message, start.parts, observations));
      end({ receipt });
      const context = observations.find(({ context }) => context !== undefined)?.context;
      return context && receipt ? { ...receipt, context } : receipt;
    } catch (error) {
      end({ error });
      throw error;
    }
  }

  /** Adds to a message, and to each of a batch, what observers want to and may. */
  #amend(
    message: OutgoingMessage,
    parts: readonly ReadMessage[],
    observations: readonly SendObservation[],
  ): OutgoingMessage {
    const amended = parts.map((part) => this.#propertiesOf(part, observations));
    if (amended.every((properties, index) => properties === parts[index]!.properties)) {
      return message;
    }
    return message.parts
      ? amendBatch(message, amended, this.#options.maxMessageSize)
      : amendMessage(message, amended[0]!);
  }

  /** Keeps the properties that a message has, and adds others under the rules for its own. */
  #propertiesOf(
    { topic, properties: own }: ReadMessage,
    observations: readonly SendObservation[],
  ): Record<string, string> {
    let properties = own;
    for (const observation of observations) {
      const added = observation.add?.(properties);
      if (added === undefined) continue;
      try {
        const checked = createProperties({ properties: added });
        if (own[MessageProperty.TransactionPrepared] !== undefined) {
          checkTransactionalProperties(topic, checked);
        }
        if (Object.keys(checked).every((name) => Object.hasOwn(properties, name))) continue;
        const all = { ...checked, ...properties };
        encodeProperties(all);
        properties = all;
      } catch (error) {
        this.#options.warnings.warn(
          "properties of observers",
          `Cannot add properties to a message of topic "${topic}", it is sent without them: ` +
            describe(error),
        );
      }
    }
    return properties;
  }
}
