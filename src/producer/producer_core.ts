import type { Broadcast } from "../broadcast.ts";
import { checkCount, checkNames, checkTime, shown } from "../checks.ts";
import {
  type CheckRequest,
  ClientInstance,
  type ClientOptions,
  type ClientSettings,
  resolveClientOptions,
} from "../client/mod.ts";
import { Deadline, within } from "../clock.ts";
import { InvalidArgumentError, InvalidStateError, withCaller } from "../errors.ts";
import { type DelayableMessage, UniqueKeyGenerator } from "../message/internal.ts";
import { ThrottledLogger } from "../logger.ts";
import { DEFAULT_MAX_FRAME_SIZE } from "../remoting/mod.ts";
import { type Attributes, findTelemetry, type Observed, type Telemetry } from "../telemetry.ts";
import type { TraceDispatcher } from "../trace/mod.ts";
import {
  type BodyCompressor,
  bodyCompressor,
  type CompressionOptions,
} from "./body_compression.ts";
import type { CloseReason, ProducerEvent } from "./events.ts";
import { FaultDetector } from "./fault_detector.ts";
import { checkHooks, HookObserver, type SendHooks } from "./hooks.ts";
import { type OutgoingMessage, type OutgoingOptions, prepareMessage } from "./outgoing_message.ts";
import { queueChoice } from "./queues.ts";
import { Delivery, SendGate } from "./send_gate.ts";
import type { SendBounds } from "./send_policy.ts";
import {
  CALL_OPTIONS,
  type CallOptions,
  type ProducerStats,
  SEND_OPTIONS,
  type SendCounters,
  type SendOptions,
} from "./send_result.ts";
import { Sender } from "./sender.ts";
import {
  resolveSendingOptions,
  type SendingOptions,
  type SendingSettings,
} from "./sending_options.ts";
import { groupOf, SpanObserver } from "./spans.ts";
import {
  checkMessageTrace,
  createTraceDispatcher,
  type MessageTraceOption,
  TraceObserver,
} from "./traces.ts";
import { checkProducerGroup, checkTopic, DEFAULT_MAX_MESSAGE_SIZE } from "./validation.ts";
import { type SendObserver, SendWatch } from "./watch.ts";

/** Configures every kind of producer, beside what configures every client. */
export interface ProducerBaseOptions extends ClientOptions, SendingOptions, CompressionOptions {
  /**
   * Name of the group that this producer belongs to: 1 to 120 of `A-Z a-z 0-9 _ - % |`. A broker may
   * check back at any member of a group about the transactions of any other.
   */
  producerGroup: string;
  /**
   * Milliseconds for one send: the wait for its turn, all attempts, and the pauses between them.
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
  /** Code of the application around every send. Several hooks are called in their order. */
  sendHooks?: SendHooks | readonly SendHooks[];
  /**
   * Sends a trace of each message, verdict and recall to a topic, like the Java client, in the
   * background: traces that can't be sent are dropped. `true` means the topic `RMQ_SYS_TRACE_TOPIC`,
   * which a broker with `traceTopicEnable=true` has.
   *
   * @default {false}
   */
  messageTrace?: MessageTraceOption;
}

/** Head room in a frame for header and properties. */
const FRAME_HEAD_ROOM = 128 * 1024;

const START_OPTIONS: ReadonlySet<string> = new Set(["signal"]);
const SHUTDOWN_OPTIONS: ReadonlySet<string> = new Set(["timeout"]);

/** What to do in a state in which nothing can be sent. */
const STATES: Readonly<Record<string, string>> = {
  new: "not started, await start() first",
  starting: "starting, await start() first",
};

/** Milliseconds that a shutdown keeps for unregistering, of a short timeout a fifth at most. */
const TIME_TO_UNREGISTER = 1_000;

/** Most milliseconds that unregistering takes, if there is more time. */
const MAX_TIME_TO_UNREGISTER = 3_000;

/** The events of a producer, of whatever kind: it tells of those that every kind has. */
type EventChannel = Pick<Broadcast<ProducerEvent>, "publish" | "dropped">;

/** What one kind of producer differs in from others. */
export interface ProducerKind {
  /** Topics whose routes are found when it starts. */
  readonly topics: readonly string[] | undefined;
  /** Names of the options that it has. */
  readonly names: ReadonlySet<string>;
  /** Takes its events. */
  readonly events: EventChannel;
}

function checkTopics(topics: unknown): void {
  if (Array.isArray(topics)) return;
  const hint = typeof topics === "string" ? `: [${shown(topics)}]` : "";
  throw new InvalidArgumentError(`Cannot use option topics: a list of names is needed${hint}`);
}

/** Keeps the state and lifecycle that all producers share, and sends for them. */
export class ProducerCore {
  readonly producerGroup: string;
  /** Options of the client, complete. */
  readonly settings: ClientSettings;
  /** Log of what may repeat. */
  readonly warnings: ThrottledLogger;
  /** Resolves when the producer is closed, with the reason. */
  readonly closed: Promise<CloseReason>;
  /** Milliseconds of one send, all attempts together. */
  readonly sendTimeout: number;
  /** Most bytes of a body. */
  readonly maxMessageSize: number;
  /** Options that messages and batches are prepared with. */
  readonly outgoing: OutgoingOptions;

  readonly #topics: readonly string[];
  readonly #sending: SendingSettings;
  readonly #compressor: BodyCompressor;
  readonly #hooks: readonly SendObserver[];
  readonly #traceTopic: string | undefined;
  readonly #resolveClosed: (reason: CloseReason) => void;
  readonly #events: EventChannel;
  readonly #counters: SendCounters = {
    sends: 0,
    sendErrors: 0,
    sendRetries: 0,
    sendsInFlight: 0,
  };
  readonly #observed: Observed[] = [
    {
      kind: "amount",
      name: "rocketmq.client.sends.in_flight",
      unit: "{send}",
      description: "Number of sends that are under way",
      read: () => this.#counters.sendsInFlight,
    },
    {
      kind: "amount",
      name: "rocketmq.client.brokers.registered",
      unit: "{broker}",
      description: "Number of brokers that the producer is registered with",
      read: () => this.#client?.registeredBrokers().length ?? 0,
    },
    {
      kind: "counter",
      name: "rocketmq.client.reconnects",
      unit: "{reconnect}",
      description: "Number of times that a broker was registered with again",
      read: () => this.#client?.reconnects ?? 0,
    },
  ];
  readonly #collected: (() => void)[] = [];
  readonly #drains: ((deadline: Deadline) => Promise<boolean>)[] = [];
  #state: "new" | "starting" | "running" | "closing" | "closed" = "new";
  #telemetry: Telemetry | undefined;
  #traces: TraceDispatcher | undefined;
  #client: ClientInstance | undefined;
  #watch: SendWatch | undefined;
  #delivery: Delivery | undefined;
  #detector: FaultDetector | undefined;
  #uniqueKeys: UniqueKeyGenerator | undefined;
  #abortStart: AbortController | undefined;
  #startEnded: Promise<void> | undefined;
  #isReady = false;

  constructor(options: ProducerBaseOptions, { topics = [], names, events }: ProducerKind) {
    if (options === null || typeof options !== "object") {
      throw new InvalidArgumentError("Cannot make producer: its options are not an object");
    }
    checkNames(options, names);
    checkTopics(topics);
    this.#events = events;
    this.settings = resolveClientOptions(options);
    const { namespace, clock, logger } = this.settings;
    this.warnings = new ThrottledLogger(logger, clock);
    checkProducerGroup(options.producerGroup, namespace);
    for (const topic of topics) checkTopic(topic, namespace);
    this.producerGroup = options.producerGroup;
    this.#traceTopic = checkMessageTrace(options.messageTrace);
    this.#hooks = checkHooks("sendHooks", options.sendHooks, ["forbid", "before", "after"])
      .map((hooks) => new HookObserver(hooks, this.warnings));
    this.#topics = [...new Set(topics)];
    this.sendTimeout = checkTime("sendTimeout", options.sendTimeout, 3_000);
    this.#sending = resolveSendingOptions(options);
    this.maxMessageSize = checkCount("maxMessageSize", options.maxMessageSize, {
      fallback: DEFAULT_MAX_MESSAGE_SIZE,
      min: 1,
      max: DEFAULT_MAX_FRAME_SIZE - FRAME_HEAD_ROOM,
      unit: " bytes",
    });
    this.#compressor = bodyCompressor(options);
    this.outgoing = {
      producerGroup: this.producerGroup,
      uniqueKey: () => this.#uniqueKeys!.next(),
      maxMessageSize: this.maxMessageSize,
      namespace,
    };
    const { promise, resolve } = Promise.withResolvers<CloseReason>();
    this.closed = promise;
    this.#resolveClosed = resolve;
  }

  /** The client, from the first successful start on. */
  get client(): ClientInstance | undefined {
    return this.#client;
  }

  /** Reports whether it has started, and reaches a broker of each of its topics. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** The telemetry of this process, if it has any; known when the producer starts. */
  get telemetry(): Telemetry | undefined {
    return this.#telemetry;
  }

  /** Attributes of every span of this producer. */
  get spanFacts(): Attributes {
    const { namespace, namespaceV2 } = this.settings;
    return {
      ...groupOf(this.producerGroup),
      "messaging.client.id": this.#client?.clientId,
      "rocketmq.namespace": namespace?.name ?? namespaceV2,
    };
  }

  /** Has numbers collected by OpenTelemetry while the producer runs. Call it before the start. */
  collect(...observed: Observed[]): void {
    this.#observed.push(...observed);
  }

  /** Where traces go, if there are any; known when the producer starts. */
  get traces(): TraceDispatcher | undefined {
    return this.#traces;
  }

  /** Makes the client and starts it; `prepare` sees it before the first connection is made. */
  async start(
    prepare: (client: ClientInstance) => (check: CheckRequest) => void,
    options: { signal?: AbortSignal },
  ): Promise<void> {
    checkNames(options, START_OPTIONS);
    if (this.#state !== "new") {
      throw new InvalidStateError(
        `Cannot start producer of group "${this.producerGroup}": it is ${this.#state} already, make a new one`,
      );
    }
    this.#state = "starting";
    const { signal } = options;
    const client = this.#makeClient();
    this.#observe(client);
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
      throw withCaller(abort.signal.aborted ? abort.signal.reason : error);
    } finally {
      end();
    }
    this.#open(client);
    this.#state = "running";
    this.settings.logger.info(
      `Started producer of group "${this.producerGroup}" as ${client.clientId}, registered with ` +
        (client.registeredBrokers().join(", ") || "no broker yet"),
    );
    this.#updateReady(client, "");
  }

  /** Checks a message, and makes a private copy that is ready to send. @throws {InvalidArgumentError} */
  prepare(message: DelayableMessage, transactional: boolean): OutgoingMessage {
    return prepareMessage(message, transactional, this.outgoing);
  }

  /** Sends messages, while the producer runs. */
  get delivery(): Delivery {
    return this.#delivery!;
  }

  /** Tells those who observe sends, while the producer runs. */
  get watch(): SendWatch {
    return this.#watch!;
  }

  /** Returns what was counted, and how much is held now. */
  stats(): ProducerStats {
    return {
      ...this.#counters,
      droppedTraces: this.#traces?.dropped ?? 0,
      registeredBrokers: this.#client?.registeredBrokers() ?? [],
      openConnections: this.#client?.openConnections ?? 0,
      reconnects: this.#client?.reconnects ?? 0,
      droppedEvents: this.#events.dropped,
    };
  }

  /**
   * Returns the bounds of a send, or of another call that asks brokers for something.
   *
   * @throws {InvalidStateError} unless the producer runs. @throws {InvalidArgumentError}
   */
  bounds(
    options: SendOptions,
    message?: DelayableMessage,
    names: ReadonlySet<string> = SEND_OPTIONS,
  ): SendBounds {
    checkNames(options, names);
    const timeout = options.timeout === undefined
      ? this.sendTimeout
      : checkTime("timeout", options.timeout, this.sendTimeout);
    const choose = message && queueChoice(message, options);
    if (this.#state !== "running") {
      throw new InvalidStateError(
        `Cannot send with producer of group "${this.producerGroup}": it is ${
          STATES[this.#state] ?? this.#state
        }`,
      );
    }
    return {
      deadline: new Deadline(this.settings.clock, timeout),
      signal: options.signal,
      choose,
    };
  }

  /** Returns what a call needs that asks brokers for something, see {@linkcode ProducerCore.bounds}. */
  contact(options: CallOptions): [ClientInstance, SendBounds] {
    const bounds = this.bounds(options, undefined, CALL_OPTIONS);
    return [this.#client!, bounds];
  }

  /** Has something finished at the end of the producer, beside what `shutdown` is given. */
  addDrain(drain: (deadline: Deadline) => Promise<boolean>): void {
    this.#drains.push(drain);
  }

  /**
   * Ends the producer within `timeout` milliseconds: `drain` finishes what is under way before the
   * deadline that it gets, then the producer unregisters and closes everything. A second call waits for
   * the first.
   */
  async shutdown(
    options: { timeout?: number },
    drain: (deadline: Deadline) => Promise<boolean>,
  ): Promise<void> {
    checkNames(options, SHUTDOWN_OPTIONS);
    if (this.#state === "closing" || this.#state === "closed") return void await this.closed;
    const wasRunning = this.#state === "running";
    const limit = checkTime("timeout", options.timeout, this.settings.shutdownTimeout);
    const { clock, logger } = this.settings, deadline = new Deadline(clock, limit);
    this.#state = "closing";
    this.#abortStart?.abort(
      new InvalidStateError(
        `Cannot start producer of group "${this.producerGroup}": it was shut down`,
      ),
    );
    let reason: CloseReason = "notStarted";
    if (wasRunning) {
      this.#setReady(false, "it is shut down");
      const work = new Deadline(clock, limit - Math.min(TIME_TO_UNREGISTER, limit / 5));
      for (const stop of this.#collected) stop();
      reason = await this.#drain([drain, ...this.#drains], work) ? "drained" : "timeout";
      this.#delivery!.close();
      await this.#detector?.stop();
      await this.#traces?.close(work.remaining);
      await this.#client!.close(Math.min(deadline.remaining, MAX_TIME_TO_UNREGISTER));
      const line = `Closed producer of group "${this.producerGroup}"`;
      if (reason === "drained") logger.info(`${line}: everything had ended`);
      else logger.warn(`${line}: after ${limit} ms not everything had ended`);
    } else await this.#startEnded;
    this.#state = "closed";
    this.#resolveClosed(reason);
  }

  /**
   * Finishes what is under way, as far as the time allows; the sends last, because drains may send.
   * Returns whether everything has ended.
   */
  async #drain(
    drains: readonly ((deadline: Deadline) => Promise<boolean>)[],
    deadline: Deadline,
  ): Promise<boolean> {
    const drained = Promise.all(drains.map((drain) => drain(deadline)))
      .then(async (ended) => {
        await this.#delivery!.idle();
        return ended.every((hasEnded) => hasEnded);
      });
    const options = { timeout: deadline.remaining };
    return await within(this.settings.clock, drained, options, () => new Error("time is up"))
      .catch(() => false);
  }

  /** Makes the client, and tells what changes in it. */
  #makeClient(): ClientInstance {
    const publish = (event: ProducerEvent) => this.#events.publish(event);
    const client = new ClientInstance(this.settings, {
      onRegistered: (brokerName, address) => {
        publish({ type: "brokerRegistered", brokerName, address });
        this.#updateReady(client, "");
      },
      onLost: (brokerName, address, reason) => {
        publish({ type: "brokerLost", brokerName, address, reason });
        this.#updateReady(client, `broker "${brokerName}" at ${address} was lost: ${reason}`);
      },
      onRouteChanged: ({ topic, brokerNames }) => {
        publish({ type: "routeChanged", topic, brokerNames: [...brokerNames] });
        this.#updateReady(client, `the route of topic "${topic}" has changed`);
      },
      failedSends: () => this.#counters.sendErrors,
    });
    return client;
  }

  #updateReady(client: ClientInstance, reason: string): void {
    if (this.#state === "running") this.#setReady(client.reaches(this.#topics), reason);
  }

  #setReady(isReady: boolean, reason: string): void {
    if (this.#isReady === isReady) return;
    this.#isReady = isReady;
    this.#events.publish(isReady ? { type: "ready" } : { type: "lost", reason });
  }

  /** Finds out who observes: hooks, the telemetry of this process, and message traces. */
  #observe(client: ClientInstance): void {
    const { settings, producerGroup, maxMessageSize } = this, topic = this.#traceTopic;
    const observers = [...this.#hooks];
    this.#telemetry = findTelemetry();
    if (this.#telemetry) {
      observers.push(new SpanObserver(this.#telemetry, () => this.spanFacts, producerGroup));
    }
    if (topic !== undefined) {
      const { uniqueKey } = this.outgoing;
      this.#traces = createTraceDispatcher(client, settings, { producerGroup, topic, uniqueKey });
      observers.push(new TraceObserver(this.#traces, topic));
    }
    const { clock } = settings, { warnings } = this;
    this.#watch = new SendWatch({ producerGroup, clock, warnings, maxMessageSize }, observers);
  }

  /** Makes what sends go through. */
  #open(client: ClientInstance): void {
    const { clock } = this.settings, { faultTolerance } = this.#sending;
    const counters = this.#counters;
    this.#client = client;
    for (const observed of this.#telemetry ? this.#observed : []) {
      this.#collected.push(this.#telemetry!.observe(observed, this.spanFacts));
    }
    this.#detector = faultTolerance && new FaultDetector(client, this.settings, faultTolerance);
    this.#delivery = new Delivery({
      watch: this.#watch!,
      gate: new SendGate(clock, this.#sending),
      compressor: this.#compressor,
      sender: new Sender({
        client,
        clock,
        producerGroup: this.producerGroup,
        faults: this.#detector?.faults,
        onRetry: () => void counters.sendRetries++,
      }),
      counters,
    });
    this.#uniqueKeys = new UniqueKeyGenerator({ clock, ...ownAddress(client.localHost) });
  }
}

/** Leaves out an address of the loopback network, which tells nothing about this machine. */
function ownAddress(localHost: string | undefined): { address?: string } {
  if (localHost === undefined || localHost === "::1" || localHost.startsWith("127.")) return {};
  return { address: localHost };
}
