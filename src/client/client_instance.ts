import type { ClientNamespace } from "../access/mod.ts";
import { InvalidStateError } from "../errors.ts";
import { ThrottledLogger } from "../logger.ts";
import { type RemotingCommand, RequestCode, ResponseCode } from "../remoting/mod.ts";
import {
  type BrokerClusterInfo,
  consumerGroupHeader,
  createGetBrokerClusterInfoRequest,
  createHeartbeatRequest,
  type HeartbeatConsumer,
  readGetBrokerClusterInfoResponse,
} from "../requests/mod.ts";
import type { TopicRoute } from "../route/mod.ts";
import type { Connection, ServerRequestAnswer, ServerRequestHandler } from "../transport/mod.ts";
import { BrokerLinks, unregister } from "./broker_links.ts";
import { type CheckRequest, routeCheckBack } from "./check_request.ts";
import { ConnectionPools } from "./connection_pools.ts";
import { Deadline, type WaitOptions } from "../clock.ts";
import { distinctBrokers, firstRoutes } from "./start_up.ts";
import { MasterSearch } from "./master_search.ts";
import { NameServerList } from "./name_server_list.ts";
import { NameServers } from "./name_servers.ts";
import { Outages } from "./outages.ts";
import type { ClientSettings } from "./options.ts";
import { PeriodicWork } from "./periodic_work.ts";
import { Replies } from "./replies.ts";
import { RouteTable } from "./route_table.ts";
import { VipChannel } from "./vip_channel.ts";

/** What operators ask of consumers, through brokers. */
const OPERATOR_REQUESTS = [
  RequestCode.RESET_CONSUMER_CLIENT_OFFSET,
  RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT,
  RequestCode.GET_CONSUMER_RUNNING_INFO,
  RequestCode.CONSUME_MESSAGE_DIRECTLY,
];

/** Receives what changes in a client. Its methods are called synchronously and must not throw. */
export interface ClientHooks {
  /** Called when a broker accepted the first heartbeat on a new connection. */
  onRegistered(brokerName: string, address: string): void;
  /** Called when a registered connection is over. */
  onLost(brokerName: string, address: string, reason: string): void;
  /** Called when the route of a topic became known or changed. */
  onRouteChanged(route: TopicRoute): void;
  /** Counts the sends that have failed, for the log of an outage. */
  failedSends?(): number;
}

/** A consumer of this client, as heartbeats tell brokers of it. */
export interface ConsumerMember {
  /** Returns what heartbeats say of it. */
  heartbeat(): HeartbeatConsumer;
  /** Takes the notice of a broker that members of the group came or went. Must not throw. */
  onMembersChanged(): void;
  /** Answers another request of a broker about the group. */
  answer(
    command: RemotingCommand,
    connection: Connection,
  ): ServerRequestAnswer | void | Promise<ServerRequestAnswer | void>;
}

/**
 * A member of a cluster. It knows the name servers and routes, and keeps a registered connection to
 * each broker. It passes check-backs that come on these to the producer of their group.
 */
export class ClientInstance {
  readonly #settings: ClientSettings;
  readonly #hooks: ClientHooks;
  readonly #warnings: ThrottledLogger;
  /** Replies to requests of this client. */
  readonly replies: Replies;
  readonly #groups = new Map<string, (check: CheckRequest) => void>();
  readonly #consumers = new Map<string, ConsumerMember>();
  readonly #pools: ConnectionPools;
  readonly #nameServers: NameServers;
  readonly #routes: RouteTable;
  readonly #links: BrokerLinks;
  readonly #search: MasterSearch;
  readonly #list: NameServerList | undefined;
  readonly #vip: VipChannel | undefined;
  readonly #work: PeriodicWork;
  readonly #registeredOnce = new Set<string>();
  #reconnects = 0;
  #clientId: string | undefined;
  #closed = false;

  constructor(settings: ClientSettings, hooks: ClientHooks) {
    this.#settings = settings;
    this.#hooks = hooks;
    const { clock, logger, requestTimeout } = settings;
    this.#warnings = new ThrottledLogger(logger, clock);
    this.replies = new Replies(this.#warnings, settings.namespace);
    this.#work = new PeriodicWork(clock, this.#warnings);
    const handlers = new Map<number, ServerRequestHandler>([
      [RequestCode.CHECK_TRANSACTION_STATE, (command, from) => this.#takeCheck(command, from)],
      [
        RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT,
        (command, from) => this.replies.take(command, from),
      ],
      [RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, (command) => {
        const { consumerGroup } = consumerGroupHeader.decode(command.extFields);
        this.#consumers.get(consumerGroup)?.onMembersChanged();
      }],
      ...OPERATOR_REQUESTS.map((code): [number, ServerRequestHandler] => [
        code,
        (command, from) => this.#answerOperator(command, from),
      ]),
    ]);
    this.#pools = new ConnectionPools(settings, {
      handlers,
      clientId: () => this.clientId,
      warnings: this.#warnings,
    });
    this.#nameServers = new NameServers({
      addresses: settings.nameServers,
      pool: this.#pools.nameServers,
      clock,
      logger,
      requestTimeout,
    });
    this.#routes = new RouteTable({
      nameServers: this.#nameServers,
      clock,
      logger,
      warnings: this.#warnings,
      requestTimeout,
      addresses: settings,
      onChange: (route) => this.#takeRoute(route),
    });
    const { nameServersUrl, fetch } = settings;
    if (nameServersUrl !== undefined) {
      const onList = (addresses: string[]) => this.#nameServers.update(addresses);
      const url = nameServersUrl;
      this.#list = new NameServerList({
        ...{ url, fetch, clock, logger, requestTimeout, onList },
        warnings: this.#warnings,
      });
    }
    const outages = new Outages({ clock, logger, failedSends: hooks.failedSends });
    this.#links = new BrokerLinks({
      pool: this.#pools.brokers,
      clock,
      logger,
      warnings: this.#warnings,
      outages,
      requestTimeout,
      heartbeat: () =>
        createHeartbeatRequest({
          clientId: this.clientId,
          producerGroups: [...this.#groups.keys()],
          consumers: Array.from(this.#consumers.values(), (consumer) => consumer.heartbeat()),
        }),
      onRegistered: (brokerName, connection) => {
        outages.back(brokerName, connection.address);
        if (this.#registeredOnce.has(brokerName)) this.#reconnects++;
        this.#registeredOnce.add(brokerName);
        hooks.onRegistered(brokerName, connection.address);
      },
      onLost: (brokerName, address, reason) => {
        if (this.#closed) return;
        outages.lost(brokerName, address, reason);
        hooks.onLost(brokerName, address, reason);
        this.#search.begin(brokerName);
      },
    });
    this.#search = new MasterSearch({
      routes: this.#routes,
      clock,
      logger,
      requestTimeout,
      isLinked: (brokerName) => this.#links.open(brokerName) !== undefined,
    });
    if (settings.vipChannel) {
      const link = (brokerName: string, options: WaitOptions) =>
        this.#links.get(brokerName, options);
      this.#vip = new VipChannel({ pool: this.#pools.vip, clock, link });
    }
  }

  /** Returns the id by which brokers know this client: `ip@instanceName`, perhaps with unit and kind. The first contact fixes it. */
  get clientId(): string {
    const { instanceName, clientIdSuffix } = this.#settings;
    const host = this.#nameServers.localHost ?? "127.0.0.1";
    return this.#clientId ??= `${host}@${instanceName}${clientIdSuffix}`;
  }

  /** Returns the namespace of this client, if it is in one of version 1. */
  get namespace(): ClientNamespace | undefined {
    return this.#settings.namespace;
  }

  /** Returns the host of this end, as the name servers see it. */
  get localHost(): string | undefined {
    return this.#nameServers.localHost;
  }

  /** Returns the names of the brokers whose check-backs can reach this client now. */
  registeredBrokers(): string[] {
    return Array.from(this.#links.registered(), ({ brokerName }) => brokerName);
  }

  /** Counts the times that a broker was registered with again. */
  get reconnects(): number {
    return this.#reconnects;
  }

  /**
   * Reports whether each of the topics has a broker to which there is a registered connection; without
   * topics, whether any broker that is known has one.
   */
  reaches(topics: readonly string[]): boolean {
    if (topics.length === 0) {
      return this.#links.addresses().length === 0 || this.registeredBrokers().length > 0;
    }
    return topics.every((topic) =>
      this.peekRoute(topic)?.brokerNames.some((name) => this.#links.open(name) !== undefined)
    );
  }

  /** Returns the names of the brokers to which the last attempt to connect failed. */
  downBrokers(): string[] {
    return this.#links.unreachable();
  }

  /** Connections that are open, to name servers and brokers. */
  get openConnections(): number {
    return this.#pools.size;
  }

  /** Adds a producer group. Heartbeats name it, and its check-backs go to `take`. */
  addGroup(group: string, take: (check: CheckRequest) => void): void {
    if (this.#groups.has(this.namespace?.wrap(group) ?? group)) {
      throw new InvalidStateError(
        `Cannot add producer group "${group}": this client has it already, use one producer for it`,
      );
    }
    this.#groups.set(this.namespace?.wrap(group) ?? group, take);
  }

  /** Adds a consumer, by the name of its group as servers know it. Heartbeats name it from now on. */
  addConsumer(group: string, consumer: ConsumerMember): void {
    this.#consumers.set(group, consumer);
  }

  /** Names a consumer in no further heartbeat. */
  removeConsumer(group: string): void {
    this.#consumers.delete(group);
  }

  /**
   * Finds the routes of the topics, registers with their brokers, and begins the periodic work. Waits
   * for a cluster that has just started, whose name servers know no broker yet. A topic is served when
   * one of its brokers accepted a heartbeat. The client goes on with the others in the background.
   *
   * @throws {RocketMQError} when a topic has no route, or none of its brokers accepts a heartbeat.
   */
  async start(topics: readonly string[], options: WaitOptions): Promise<void> {
    const deadline = new Deadline(this.#settings.clock, options.timeout);
    const rest = () => ({ timeout: deadline.remaining, signal: options.signal });
    const { heartbeatInterval, nameServersPollInterval, routePollInterval } = this.#settings;
    await this.#list?.begin(rest());
    const routes = await firstRoutes(this, topics, { clock: this.#settings.clock, rest });
    await Promise.all(distinctBrokers(routes).map((names) => this.#waitForAny(names, rest())));
    if (this.#list) {
      this.#work.every("name servers", nameServersPollInterval, () => this.#list!.poll());
    }
    this.#work.every("routes", routePollInterval, () => this.#routes.refreshAll());
    this.#work.every("heartbeats", heartbeatInterval, () => this.#heartbeat());
  }

  /** Returns the route of a topic. @throws {TopicRouteNotFoundError} @throws {ConnectionError} */
  route(topic: string, options: WaitOptions): Promise<TopicRoute> {
    return this.#routes.get(topic, options);
  }

  /** Returns the route of a topic as it was last seen, without a request. */
  peekRoute(topic: string): TopicRoute | undefined {
    return this.#routes.peek(topic);
  }

  /** Looks up the route of a topic again. @throws {TopicRouteNotFoundError} @throws {ConnectionError} */
  refreshRoute(topic: string, options: WaitOptions): Promise<TopicRoute> {
    return this.#routes.refresh(topic, options);
  }

  /** Returns the registered connection to a broker's master. @throws {ConnectionError} */
  brokerConnection(brokerName: string, options: WaitOptions): Promise<Connection> {
    return this.#links.get(brokerName, options);
  }

  /** Returns the connection of {@linkcode requestConnection}, if it is open already. */
  openConnection(brokerName: string): Connection | undefined {
    return this.#vip ? undefined : this.#links.open(brokerName);
  }

  /** Reports whether sends use connections of their own. */
  get hasVipChannel(): boolean {
    return this.#vip !== undefined;
  }

  /** Returns the connection for sends and requests about messages, maybe to the VIP port. @throws {ConnectionError} */
  requestConnection(brokerName: string, options: WaitOptions): Promise<Connection> {
    return this.#vip?.get(brokerName, options) ?? this.#links.get(brokerName, options);
  }

  /** Lists the brokers that a name server knows. @throws {ConnectionError} */
  clusterInfo(options: WaitOptions): Promise<BrokerClusterInfo> {
    return this.#nameServers.ask(
      createGetBrokerClusterInfoRequest(),
      (response, address) => readGetBrokerClusterInfoResponse(response, { address }),
      options,
    );
  }

  /**
   * Returns a connection to a broker's address as it is dialled, or to its VIP port, registered or not.
   *
   * @throws {ConnectionError} when none can be had in time.
   */
  async connectionTo(address: string, options: WaitOptions): Promise<Connection> {
    return await (this.#vip
      ? this.#pools.vip.get(this.#vip.addressOf(address), options)
      : this.#pools.brokers.get(address, options));
  }

  /** Unregisters from the brokers, as far as the time allows, and closes everything. */
  async close(timeout: number): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#work.stop();
    this.#search.close();
    this.#list?.close();
    if (timeout > 0) {
      const { logger } = this.#settings;
      await unregister(this.#links, {
        clientId: this.clientId,
        producerGroups: [...this.#groups.keys()],
        ...{ timeout, logger },
      });
    }
    this.replies.close();
    this.#links.close();
    this.#pools.close("the client is closed");
  }

  /** Waits until one of the brokers accepted a heartbeat. */
  async #waitForAny(names: readonly string[], options: WaitOptions): Promise<void> {
    await this.#links.getAny(names, options, this.#settings.requestTimeout);
  }

  #takeRoute(route: TopicRoute): void {
    this.#search.learn(route);
    this.#links.update(this.#routes.masters);
    this.#hooks.onRouteChanged(route);
  }

  #takeCheck(command: RemotingCommand, connection: Connection): void {
    routeCheckBack(command, connection, {
      warnings: this.#warnings,
      handlerOf: (group) => this.#groups.get(group),
      brokerAt: (address) => this.#links.nameAt(address),
      namespace: this.namespace,
    });
  }

  #answerOperator(command: RemotingCommand, connection: Connection): ReturnType<
    ServerRequestHandler
  > {
    const { group, consumerGroup = group } = command.extFields;
    const consumer = this.#consumers.get(consumerGroup ?? "");
    if (consumer) return consumer.answer(command, connection);
    return {
      code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
      remark: ` request type ${command.code} not supported`,
    };
  }

  async #heartbeat(): Promise<void> {
    this.#vip?.keepOnly(this.#links.addresses(), "no route names this broker any more");
    await this.#links.heartbeat();
  }
}
