import { checkCount, checkTime } from "../checks.ts";
import { BodyCopies } from "./body_copies.ts";
import {
  type CheckRequest,
  type ClientHooks,
  ClientInstance,
  type ClientOptions,
  type ClientSettings,
  Deadline,
  resolveClientOptions,
  within,
} from "../client/mod.ts";
import { InvalidArgumentError, InvalidStateError } from "../errors.ts";
import { type DelayableMessage, UniqueKeyGenerator } from "../message/internal.ts";
import { DEFAULT_MAX_FRAME_SIZE } from "../remoting/mod.ts";
import {
  type BodyCompressor,
  bodyCompressor,
  type CompressionOptions,
} from "./body_compression.ts";
import { Delivery } from "./delivery.ts";
import type { MessageTraceOption } from "./message_trace.ts";
import { Observation } from "./observation.ts";
import { FaultDetector } from "./fault_detector.ts";
import { type OutgoingMessage, type OutgoingOptions, prepareMessage } from "./outgoing_message.ts";
import { newSendCounters, type ProducerStats } from "./producer_stats.ts";
import { queueChoice } from "./queue_choice.ts";
import type { SendHooks, SendKind } from "./send_hooks.ts";
import type { SendOptions } from "./send_result.ts";
import { SendGate } from "./send_gate.ts";
import type { SendBounds } from "./send_receipt.ts";
import { Sender } from "./sender.ts";
import {
  resolveSendingOptions,
  type SendingOptions,
  type SendingSettings,
} from "./sending_options.ts";
import { checkProducerGroup, checkTopic, DEFAULT_MAX_MESSAGE_SIZE } from "./validation.ts";

/** What every producer can be told, beside what every client can. */
export interface ProducerBaseOptions extends ClientOptions, SendingOptions, CompressionOptions {
  /**
   * Name of the group that this producer belongs to: 1 to 120 of `A-Z a-z 0-9 _ - % |`. Any member
   * of a group may be asked about the transactions of any other.
   */
  producerGroup: string;
  /**
   * For one send, in milliseconds: the wait for its turn, all tries, and the pauses between them.
   *
   * @default {3000}
   */
  sendTimeout?: number;
  /**
   * Largest body in bytes, before compression.
   *
   * @default {4194304}
   */
  maxMessageSize?: number;
  /** What the application wants to do around every send. Several are called in their order. */
  sendHooks?: SendHooks | readonly SendHooks[];
  /**
   * Sends a trace of each message, verdict and recall to a topic, as the Java client does, in the
   * background: traces that can't be sent are dropped. `true` means the topic `RMQ_SYS_TRACE_TOPIC`,
   * which a broker with `traceTopicEnable=true` has.
   *
   * @default {false}
   */
  messageTrace?: MessageTraceOption;
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
  /** Everyone who looks on. */
  readonly observation: Observation;

  readonly #topics: readonly string[];
  readonly #sendTimeout: number;
  readonly #sending: SendingSettings;
  readonly #maxMessageSize: number;
  readonly #compressor: BodyCompressor;
  readonly #resolveClosed: () => void;
  readonly #counters = newSendCounters();
  readonly #drains: ((deadline: Deadline) => Promise<void>)[] = [];
  #state: "new" | "starting" | "running" | "closing" | "closed" = "new";
  readonly #copies = new BodyCopies();
  #client: ClientInstance | undefined;
  #delivery: Delivery | undefined;
  #detector: FaultDetector | undefined;
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
    this.observation = new Observation(options, this.settings, this.producerGroup);
    this.#topics = [...new Set(topics)];
    this.#sendTimeout = checkTime("sendTimeout", options.sendTimeout, 3_000);
    this.#sending = resolveSendingOptions(options);
    this.#maxMessageSize = checkCount(
      "maxMessageSize",
      options.maxMessageSize,
      DEFAULT_MAX_MESSAGE_SIZE,
      1,
      DEFAULT_MAX_FRAME_SIZE - FRAME_HEAD_ROOM,
      " bytes",
    );
    this.#compressor = bodyCompressor(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolveClosed = resolve;
  }

  /** Milliseconds of one send, all tries together. */
  get sendTimeout(): number {
    return this.#sendTimeout;
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
    this.observation.attach(client, () => this.#uniqueKeys!.next());
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
    const { clock } = this.settings, { faultTolerance } = this.#sending;
    this.#detector = faultTolerance && new FaultDetector(client, this.settings, faultTolerance);
    this.#delivery = new Delivery(
      new Sender(client, clock, this.producerGroup, this.#detector?.faults),
      new SendGate(clock, this.#sending),
      this.#compressor,
      this.#counters,
    );
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

  /**
   * Checks a message and makes what must be delivered at once. @throws {InvalidArgumentError}
   */
  prepare(
    message: DelayableMessage,
    transactional: boolean,
    kind: SendKind = transactional ? "half" : "send",
  ): OutgoingMessage {
    return prepareMessage(message, this.outgoing(transactional, kind), this.#compressor.from);
  }

  /** What a message or a batch is prepared with. */
  outgoing(transactional: boolean, kind: SendKind): OutgoingOptions {
    return {
      producerGroup: this.producerGroup,
      transactional,
      uniqueKey: () => this.#uniqueKeys!.next(),
      maxMessageSize: this.#maxMessageSize,
      copies: this.#copies,
      observation: this.observation.open(kind),
      namespace: this.settings.namespace,
    };
  }

  /** What was counted, and how much is held now. */
  stats(): ProducerStats {
    return {
      ...this.#counters,
      droppedTraces: this.observation.traces?.dropped ?? 0,
      registeredBrokers: this.#client?.registeredBrokers() ?? [],
      openConnections: this.#client?.openConnections ?? 0,
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

  /** Has something finished at the end of the producer, beside what `shutdown` is given. */
  addDrain(drain: (deadline: Deadline) => Promise<void>): void {
    this.#drains.push(drain);
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
      await this.#drain([drain, ...this.#drains], deadline);
      this.#delivery!.close();
      await this.#detector?.stop();
      await this.observation.close(deadline.remaining);
      await this.#client!.close(Math.min(Math.max(deadline.remaining, 500), 3_000));
    } else await this.#startEnded;
    this.#state = "closed";
    this.#resolveClosed();
  }

  /** Finishes what is under way, the sends last: what drains may send. */
  async #drain(
    drains: readonly ((deadline: Deadline) => Promise<void>)[],
    deadline: Deadline,
  ): Promise<void> {
    await Promise.all(drains.map((drain) => drain(deadline)));
    const rest = { timeout: deadline.remaining };
    await within(this.settings.clock, this.#delivery!.idle(), rest, () => new Error("time is up"))
      .catch(() => {});
  }
}

/** An address of the loopback network tells nothing about this machine. */
function ownAddress(localHost: string | undefined): { address?: string } {
  if (localHost === undefined || localHost === "::1" || localHost.startsWith("127.")) return {};
  return { address: localHost };
}
