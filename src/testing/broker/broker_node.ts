import type { Clock, TimerHandle } from "../../clock.ts";
import {
  decodeStoredMessage,
  type MessageExt,
  MessageProperty,
  openStoredMessage,
  type StoredMessage,
} from "../../message/mod.ts";
import { RequestCode } from "../../remoting/mod.ts";
import type { Activity } from "../activity.ts";
import type { FaultTable } from "../faults/faults.ts";
import type { RegisteredBroker } from "../name_server/name_server_handlers.ts";
import { Endpoint } from "../net/endpoint.ts";
import type { MemoryNetwork } from "../net/memory_network.ts";
import { Server } from "../net/server.ts";
import type { ServerConnection } from "../net/server_connection.ts";
import type { Node } from "../node.ts";
import type { EmbeddedBrokerSettings } from "../options.ts";
import { CheckScan } from "../transactions/check_scan.ts";
import { sendCheck } from "../transactions/check_sender.ts";
import { brokerHandlers } from "./broker_handlers.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { createParts } from "./create_parts.ts";
import { SystemTopic } from "./system_topics.ts";
import type { TopicConfig } from "./topics.ts";

/** How often a broker looks for clients that have gone silent, in milliseconds. */
const HOUSEKEEPING_INTERVAL = 10_000;

/** How often a broker saves how far consumer groups have read, in milliseconds. */
const SAVE_INTERVAL = 5_000;

/** How long a connection lives without a byte in either direction, in milliseconds. */
const MAX_IDLE = 120_000;

/** How long a broker waits for the answer of a client, in milliseconds. */
const CLIENT_TIMEOUT = 10_000;

/** What a {@linkcode BrokerNode} is made of. */
export interface BrokerNodeOptions {
  /** Name of the broker. */
  name: string;
  /** The settings of the cluster. */
  settings: EmbeddedBrokerSettings;
  /** Connections in memory. */
  network: MemoryNetwork;
  /** The faults of the cluster. */
  faults: FaultTable;
  /** Where events are told and counted. */
  activity: Activity;
  /** Is told when a half message is no longer undecided. */
  onDecided(): void;
}

/** One broker of an embedded cluster. It has its address from the beginning, and runs once it is started. */
export class BrokerNode implements Node, RegisteredBroker {
  readonly name: string;
  readonly clusterName: string;
  readonly #clock: Clock;
  readonly #checkInterval: number;
  readonly #endpoint: Endpoint;
  readonly #parts: BrokerParts;
  readonly #server: Server;
  readonly #scan: CheckScan;
  #checkTimer: TimerHandle | undefined;
  #housekeepingTimer: TimerHandle | undefined;
  #saveTimer: TimerHandle | undefined;
  #isRunning = false;

  private constructor(options: BrokerNodeOptions, endpoint: Endpoint) {
    const { name, settings, faults, activity, onDecided } = options;
    const { clock, serializeType } = settings;
    this.name = name;
    this.clusterName = settings.clusterName;
    this.#clock = clock;
    this.#checkInterval = settings.transactionCheckInterval;
    this.#endpoint = endpoint;
    this.#parts = createParts({
      ...{ name, settings, activity, onDecided, address: this.address },
      callClient: (request, connection) => this.#server.ask(request, connection, CLIENT_TIMEOUT),
      tellClient: (request, connection) => this.#server.sendRequest(request, connection),
      onConsumersChanged: (group, connections) => this.#notifyConsumers(group, connections),
    });
    this.#server = new Server({
      ...{ name, clock, faults, serializeType, counters: activity.counters },
      handlers: brokerHandlers(this.#parts),
      onEnd: (connection) => this.#forget(connection),
    });
    this.#scan = new CheckScan({
      ...this.#parts,
      brokerName: name,
      timeout: settings.transactionTimeout,
      maxChecks: settings.transactionCheckMax,
      ask: (half, placement) => sendCheck(this.#parts, this.#server, half, placement),
      prepareGiveUp: () => void this.#parts.topics.ensure(SystemTopic.GivenUp),
    });
  }

  /** Makes a broker with an address, which is open already. */
  static async create(options: BrokerNodeOptions): Promise<BrokerNode> {
    const { settings: { hostname, listen }, network } = options;
    const endpoint = new Endpoint({
      ...{ hostname, port: 0, listen, network },
      accept: (transport, remote) => node.#server.accept(transport, remote),
    });
    await endpoint.open();
    let node: BrokerNode;
    try {
      return node = new BrokerNode(options, endpoint);
    } catch (error) {
      await endpoint.close();
      throw error;
    }
  }

  get address(): string {
    return this.#endpoint.address;
  }

  get connectionCount(): number {
    return this.#server.connections.size;
  }

  /** Whether it was started and not stopped since. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** How many half messages are undecided. */
  get undecidedCount(): number {
    return this.#parts.halves.undecidedCount;
  }

  /** Bytes of all its records. */
  get storedBytes(): number {
    return this.#parts.store.size;
  }

  topic(name: string): TopicConfig | undefined {
    return this.#parts.topics.get(name);
  }

  /** The messages in the queues of a topic, queue by queue. */
  async messages(topic: string): Promise<MessageExt[]> {
    const { store } = this.#parts;
    const messages: MessageExt[] = [];
    for (const queueId of store.queueIds(topic)) {
      for (let offset = 0; offset < store.queueLength(topic, queueId); offset++) {
        messages.push(await this.#open(store.messageAt(topic, queueId, offset)!));
      }
    }
    return messages;
  }

  /** The undecided half messages, with the topic and queue that they are meant for. */
  async halfMessages(): Promise<MessageExt[]> {
    return await Promise.all(this.#parts.halves.undecided().map((half) => this.#openHalf(half)));
  }

  /** Finds the newest record of a transaction by the index: the half message while undecided. */
  async messageOf(transactionId: string, topic: string): Promise<MessageExt | undefined> {
    const { store, halves } = this.#parts;
    const find = (inTopic: string) =>
      store.index.find({ topic: inTopic, key: transactionId, max: 64, begin: 0, end: Infinity })
        .map((record) => decodeStoredMessage(record))
        .filter(({ properties }) => properties[MessageProperty.UniqueKey] === transactionId);
    const half = find(SystemTopic.Half).findLast((it) => halves.isUndecided(it.queueOffset));
    if (half) return await this.#openHalf(half);
    const message = find(topic).at(-1) ?? find(SystemTopic.GivenUp).at(-1);
    return message && await this.#open(message);
  }

  /** Asks about every undecided half message at once, and gives their number. */
  checkNow(): number {
    if (!this.#isRunning) return 0;
    this.#parts.marks.flush();
    return this.#scan.run(true);
  }

  async start(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    await this.#endpoint.open();
    // It was stopped meanwhile.
    if (!this.#isRunning) return;
    this.#parts.delays.start();
    this.#scheduleCheck();
    this.#scheduleHousekeeping();
    this.#scheduleSave();
  }

  async stop(): Promise<void> {
    this.#parts.marks.flush();
    this.#parts.offsets.save();
    await this.#halt();
  }

  async kill(): Promise<void> {
    const { marks, halves, offsets } = this.#parts;
    for (const offset of marks.forget()) halves.reopen(offset);
    offsets.forget();
    await this.#halt();
  }

  /** Lets go of the file that it is kept in. */
  close(): void {
    this.#parts.store.close();
  }

  async acceptConnections(): Promise<void> {
    if (this.#isRunning) await this.#endpoint.open();
  }

  refuseConnections(): Promise<void> {
    return this.#endpoint.close();
  }

  disconnect(): Promise<void> {
    return this.#server.disconnect();
  }

  async #halt(): Promise<void> {
    this.#isRunning = false;
    this.#parts.delays.stop();
    this.#parts.locks.clear();
    this.#clock.clearTimer(this.#checkTimer);
    this.#clock.clearTimer(this.#housekeepingTimer);
    this.#clock.clearTimer(this.#saveTimer);
    await this.#endpoint.close();
    await this.#server.disconnect();
  }

  #scheduleCheck(): void {
    if (this.#checkInterval === Infinity) return;
    this.#checkTimer = this.#clock.setTimer(() => {
      this.#scan.run();
      this.#scheduleCheck();
    }, this.#checkInterval);
  }

  #scheduleHousekeeping(): void {
    this.#housekeepingTimer = this.#clock.setTimer(() => {
      const now = this.#clock.monotonic();
      this.#parts.producers.expire(now);
      this.#parts.consumers.expire(now);
      for (const connection of [...this.#server.connections]) {
        if (now - connection.lastActivity > MAX_IDLE) connection.close();
      }
      this.#scheduleHousekeeping();
    }, HOUSEKEEPING_INTERVAL);
  }

  #scheduleSave(): void {
    this.#saveTimer = this.#clock.setTimer(() => {
      this.#parts.offsets.save();
      this.#scheduleSave();
    }, SAVE_INTERVAL);
  }

  #forget(connection: ServerConnection): void {
    this.#parts.producers.forget(connection);
    this.#parts.consumers.forget(connection);
    this.#parts.holds.forget(connection);
  }

  #notifyConsumers(consumerGroup: string, connections: readonly ServerConnection[]): void {
    const request = { code: RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, extFields: { consumerGroup } };
    for (const connection of connections) this.#server.sendRequest(request, connection);
  }

  #openHalf(half: StoredMessage): Promise<MessageExt> {
    const { properties } = half;
    const topic = properties[MessageProperty.RealTopic] ?? half.topic;
    const queueId = Number(properties[MessageProperty.RealQueueId] ?? half.queueId);
    return this.#open({ ...half, topic, queueId });
  }

  async #open(stored: StoredMessage): Promise<MessageExt> {
    const message = await openStoredMessage(stored);
    return { ...message, body: message.body.slice(), brokerName: this.name };
  }
}
