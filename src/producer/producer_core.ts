import {
  checkCount,
  type CheckRequest,
  checkTime,
  type ClientHooks,
  ClientInstance,
  type ClientOptions,
  type ClientSettings,
  Deadline,
  resolveClientOptions,
} from "../client/mod.ts";
import { InvalidArgumentError, InvalidStateError } from "../errors.ts";
import { type DelayableMessage, UniqueKeyGenerator } from "../message/mod.ts";
import { DEFAULT_MAX_FRAME_SIZE } from "../remoting/mod.ts";
import { Delivery } from "./delivery.ts";
import { type OutgoingMessage, type OutgoingOptions, prepareMessage } from "./outgoing_message.ts";
import { queueChoice } from "./queue_choice.ts";
import type { SendOptions } from "./send_result.ts";
import { type SendBounds, Sender } from "./sender.ts";
import { checkProducerGroup, checkTopic, DEFAULT_MAX_MESSAGE_SIZE } from "./validation.ts";

/** What every producer can be told, beside what every client can. */
export interface ProducerBaseOptions extends ClientOptions {
  /**
   * Name of the group that this producer belongs to: 1 to 120 of `A-Z a-z 0-9 _ - % |`. Any member
   * of a group may be asked about the transactions of any other.
   */
  producerGroup: string;
  /** For one send, all tries together, in milliseconds. @default {3000} */
  sendTimeout?: number;
  /** Largest body in bytes, before compression. @default {4194304} */
  maxMessageSize?: number;
}

/** Head room in a frame for header and properties. */
const FRAME_HEAD_ROOM = 128 * 1024;

/** The life of a producer, whatever it sends: checked options, start, and end. */
export class ProducerCore {
  /** The group. */
  readonly producerGroup: string;
  /** The options of the client, complete. */
  readonly settings: ClientSettings;
  /** Resolves when the producer is closed. */
  readonly closed: Promise<void>;

  readonly #topics: readonly string[];
  readonly #sendTimeout: number;
  readonly #maxMessageSize: number;
  readonly #resolveClosed: () => void;
  #state: "new" | "starting" | "running" | "closing" | "closed" = "new";
  #client: ClientInstance | undefined;
  #delivery: Delivery | undefined;
  #uniqueKeys: UniqueKeyGenerator | undefined;
  #abortStart: AbortController | undefined;
  #startEnded: Promise<void> | undefined;

  constructor(options: ProducerBaseOptions, topics: readonly string[]) {
    if (options === null || typeof options !== "object") {
      throw new InvalidArgumentError("Cannot make producer: its options are not an object");
    }
    this.settings = resolveClientOptions(options);
    const { namespace } = this.settings;
    checkProducerGroup(options.producerGroup, namespace);
    for (const topic of topics) checkTopic(topic, namespace);
    this.producerGroup = options.producerGroup;
    this.#topics = [...new Set(topics)];
    this.#sendTimeout = checkTime("sendTimeout", options.sendTimeout, 3_000);
    this.#maxMessageSize = checkCount(
      "maxMessageSize",
      options.maxMessageSize,
      DEFAULT_MAX_MESSAGE_SIZE,
      1,
      DEFAULT_MAX_FRAME_SIZE - FRAME_HEAD_ROOM,
      " bytes",
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolveClosed = resolve;
  }

  /** Largest body in bytes. */
  get maxMessageSize(): number {
    return this.#maxMessageSize;
  }

  /** The client, while there is one. */
  get client(): ClientInstance | undefined {
    return this.#client;
  }

  /** Whether messages can be sent. */
  get isRunning(): boolean {
    return this.#state === "running";
  }

  /** Makes the client and starts it; `prepare` sees it before the first connection is made. */
  async start(
    hooks: ClientHooks,
    prepare: (client: ClientInstance) => (check: CheckRequest) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (this.#state !== "new") {
      throw new InvalidStateError(
        `Cannot start producer of group "${this.producerGroup}": it is ${this.#state} already, make a new one`,
      );
    }
    this.#state = "starting";
    const client = new ClientInstance(this.settings, hooks);
    const abort = this.#abortStart = new AbortController();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#startEnded = ended;
    try {
      client.addGroup(this.producerGroup, prepare(client));
      await client.start(this.#topics, {
        timeout: this.settings.startTimeout,
        signal: signal ? AbortSignal.any([signal, abort.signal]) : abort.signal,
      });
      abort.signal.throwIfAborted();
    } catch (error) {
      await client.close(0);
      if (this.#state === "starting") this.#state = "new";
      throw abort.signal.aborted ? abort.signal.reason : error;
    } finally {
      end();
    }
    this.#client = client;
    this.#delivery = new Delivery(new Sender(client, this.settings.clock, this.producerGroup));
    this.#uniqueKeys = new UniqueKeyGenerator({
      clock: this.settings.clock,
      ...ownAddress(client.localHost),
    });
    this.#state = "running";
  }

  /** The way by which messages leave. @throws {InvalidStateError} when none can be sent now. */
  delivery(): Delivery {
    if (this.#state === "running") return this.#delivery!;
    const state = this.#state === "new" ? "not started, call start() first" : this.#state;
    throw new InvalidStateError(
      `Cannot send with producer of group "${this.producerGroup}": it is ${state}`,
    );
  }

  /** Checks a message and makes what is sent of it. @throws {InvalidArgumentError} */
  prepare(message: DelayableMessage, transactional: boolean): OutgoingMessage {
    return prepareMessage(message, this.outgoing(transactional));
  }

  /** What a message or a batch is prepared with. */
  outgoing(transactional: boolean): OutgoingOptions {
    return {
      producerGroup: this.producerGroup,
      transactional,
      uniqueKey: () => this.#uniqueKeys!.next(),
      maxMessageSize: this.#maxMessageSize,
      namespace: this.settings.namespace,
    };
  }

  /** The bounds of a send, or of something else that takes a while. @throws {InvalidArgumentError} */
  bounds(options: SendOptions, message?: DelayableMessage): SendBounds {
    const timeout = checkTime("timeout", options.timeout, this.#sendTimeout);
    return {
      deadline: new Deadline(this.settings.clock, timeout),
      signal: options.signal,
      choose: message && queueChoice(message, options),
    };
  }

  /**
   * Ends the producer: `drain` gets the deadline and finishes what is under way, then the brokers
   * are told, then everything is closed. A second call waits for the first.
   */
  async shutdown(
    timeout: number | undefined,
    drain: (deadline: Deadline) => Promise<void>,
  ): Promise<void> {
    if (this.#state === "closing" || this.#state === "closed") return await this.closed;
    const wasRunning = this.#state === "running";
    const limit = checkTime("timeout", timeout, this.settings.shutdownTimeout);
    const deadline = new Deadline(this.settings.clock, limit);
    this.#state = "closing";
    this.#abortStart?.abort(
      new InvalidStateError(
        `Cannot start producer of group "${this.producerGroup}": it was shut down`,
      ),
    );
    if (wasRunning) {
      await drain(deadline);
      await this.#client!.close(Math.min(Math.max(deadline.remaining, 500), 3_000));
    } else await this.#startEnded;
    this.#state = "closed";
    this.#resolveClosed();
  }
}

/** An address of the loopback network tells nothing about this machine. */
function ownAddress(localHost: string | undefined): { address?: string } {
  if (localHost === undefined || localHost === "::1" || localHost.startsWith("127.")) return {};
  return { address: localHost };
}
