import type { Clock } from "../clock.ts";
import { describe } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { createProperties, encodeProperties, MessageProperty } from "../message/internal.ts";
import type { TelemetryContext } from "../telemetry.ts";
import {
  checkTransactionalProperties,
  type OutgoingMessage,
  type ReadMessage,
} from "./outgoing_message.ts";
import type { SendKind } from "./send_hooks.ts";
import type { SendReceipt } from "./send_receipt.ts";

/** What is known of a send when it begins. */
export interface SendFacts {
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

/** How a send ended. */
export interface SendEnd {
  /** Milliseconds. */
  readonly duration: number;
  /** Bytes of the body as it was sent. */
  readonly bodySize: number;
  readonly error?: unknown;
  readonly receipt?: SendReceipt;
}

/** Someone who looks on at sends. Must not throw. */
export interface SendWatcher {
  begin(facts: SendFacts): SendWatch | undefined;
}

/** Someone who looks on at one send. Must not throw. */
export interface SendWatch {
  /** What spans that belong to it are started below. */
  readonly context?: TelemetryContext;
  /** Properties for a message that has those of `own`. */
  add?(own: Readonly<Record<string, string>>): Record<string, string> | undefined;
  end(end: SendEnd): void;
}

/** What those who look on remember of a message. */
export interface ObservedMessage {
  readonly tags: string | undefined;
  readonly keys: string | undefined;
  /** Region of the broker, once it is known. */
  readonly regionId: string | undefined;
  /** Whether the broker wants traces. */
  readonly traceOn: boolean;
  readonly context: TelemetryContext | undefined;
}

interface SendObservationOptions {
  readonly kind: SendKind;
  readonly producerGroup: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly begin: (facts: SendFacts) => SendWatch[];
}

/** One send under the eyes of everyone who looks on. */
export class SendObservation implements ObservedMessage {
  readonly #options: SendObservationOptions;
  #watches: readonly SendWatch[] = [];
  #startedAt = 0;
  tags: string | undefined;
  keys: string | undefined;
  regionId: string | undefined;
  traceOn = true;
  context: TelemetryContext | undefined;

  constructor(options: SendObservationOptions) {
    this.#options = options;
  }

  /**
   * The send begins: its messages are checked and can be sent.
   *
   * @returns the properties of each, with what was added; undefined when nothing was.
   * @throws {SendForbiddenError}
   */
  begin(
    topic: string,
    messageId: string,
    parts: readonly ReadMessage[],
  ): Record<string, string>[] | undefined {
    const { kind, producerGroup, clock } = this.#options;
    const timestamp = Math.floor(clock.now());
    const facts = { kind, topic, producerGroup, messageId, parts, timestamp };
    this.#startedAt = clock.monotonic();
    this.#watches = this.#options.begin(facts);
    this.context = this.#watches.find(({ context }) => context !== undefined)?.context;
    this.tags = parts[0]?.properties[MessageProperty.Tags];
    this.keys = parts[0]?.properties[MessageProperty.Keys];
    const amended = parts.map((part) => this.#amend(part));
    return amended.some((properties, index) => properties !== parts[index]!.properties)
      ? amended
      : undefined;
  }

  /** Watches how it ends. */
  async watch<T extends SendReceipt | void>(
    { body }: OutgoingMessage,
    transmit: () => Promise<T>,
  ): Promise<T> {
    const bodySize = body.length;
    try {
      const receipt = await transmit();
      this.end(receipt ? { bodySize, receipt } : { bodySize });
      return receipt;
    } catch (error) {
      this.end({ bodySize, error });
      throw error;
    }
  }

  /** The send has ended. */
  end(end: Omit<SendEnd, "duration">): void {
    this.regionId = end.receipt?.regionId;
    this.traceOn = end.receipt?.traceOn ?? true;
    const duration = this.#options.clock.monotonic() - this.#startedAt;
    for (const watch of this.#watches) watch.end({ ...end, duration });
    this.#watches = [];
  }

  /** Adds what is allowed of a message's own properties, and keeps those that it has. */
  #amend({ topic, properties: own }: ReadMessage): Record<string, string> {
    let properties = own;
    for (const watch of this.#watches) {
      const added = watch.add?.(properties);
      if (added === undefined) continue;
      try {
        const checked = createProperties({ properties: added });
        if (this.#options.kind === "half") checkTransactionalProperties(topic, checked);
        if (Object.keys(checked).every((name) => Object.hasOwn(properties, name))) continue;
        const all = { ...checked, ...properties };
        encodeProperties(all);
        properties = all;
      } catch (error) {
        this.#options.logger.warn(
          `Cannot add properties to a message of topic "${topic}", it is sent without them: ` +
            describe(error),
        );
      }
    }
    return properties;
  }
}
