import type { ClientInstance } from "../client/mod.ts";
import { Deadline } from "../clock.ts";
import type { MessageQueue } from "../message/mod.ts";
import type { RemotingCommand, RemotingRequest } from "../remoting/mod.ts";
import * as requests from "../requests/mod.ts";
import type { MemberList } from "./members.ts";
import type { ConsumerSettings, StartFrom } from "./options.ts";
import type { TopicSubscription } from "./subscriptions.ts";

/** Milliseconds for which a broker holds a pull that finds nothing. */
const HOLD = 15_000;

/** Milliseconds beyond it until the answer: brokers look at the time every five seconds only. */
const HOLD_GRACE = 10_000;

/** The bounds of a call. */
export interface CallBounds {
  /** Milliseconds to wait for the connection and the answer. @default {requestTimeout} */
  timeout?: number;
  signal?: AbortSignal | undefined;
}

/** Asks the masters of brokers for what a consumer needs. */
export class BrokerCalls {
  readonly #client: ClientInstance;
  readonly #settings: ConsumerSettings;

  constructor(client: ClientInstance, settings: ConsumerSettings) {
    this.#client = client;
    this.#settings = settings;
  }

  /** Returns the queues of the broker that this client has locked now. @throws {RocketMQError} */
  lock(
    brokerName: string,
    queues: readonly MessageQueue[],
    bounds: CallBounds,
  ): Promise<MessageQueue[]> {
    const request = requests.createLockQueuesRequest(this.#lockFields(queues));
    return this.#ask({ brokerName }, request, requests.readLockQueuesResponse, bounds);
  }

  /** Gives up locks, of this client or of another one. @throws {RocketMQError} */
  unlock(
    brokerName: string,
    queues: readonly MessageQueue[],
    { clientId, ...bounds }: CallBounds & { clientId?: string },
  ): Promise<void> {
    const request = requests.createUnlockQueuesRequest(this.#lockFields(queues, clientId));
    return this.#ask({ brokerName }, request, requests.readUnlockQueuesResponse, bounds);
  }

  /** Lists the members of the group that a broker knows. @throws {RocketMQError} */
  members(brokerName: string, bounds: CallBounds): Promise<MemberList> {
    const request = requests.createGetConsumerListRequest({ consumerGroup: this.#settings.group });
    return this.#ask({ brokerName }, request, requests.readGetConsumerListResponse, bounds);
  }

  /** Returns what a broker thinks that the group reads, by topic. @throws {RocketMQError} */
  subscriptions(brokerName: string): Promise<Map<string, requests.Subscription>> {
    const { group: consumerGroup } = this.#settings;
    const request = requests.createGetConsumerConnectionsRequest({ consumerGroup });
    return this.#ask({ brokerName }, request, requests.readGroupSubscriptionsResponse);
  }

  /** Returns the group's configuration at a broker, if it can tell it. @throws {RocketMQError} */
  groupConfig(brokerName: string, bounds: CallBounds): Promise<requests.GroupConfig | undefined> {
    const request = requests.createGetGroupConfigRequest({ group: this.#settings.group });
    return this.#ask({ brokerName }, request, requests.readGroupConfigResponse, bounds);
  }

  /** Takes this client out of the group at a broker. @throws {RocketMQError} */
  leave(brokerName: string, bounds: CallBounds): Promise<void> {
    const { clientId } = this.#client, { group: consumerGroup } = this.#settings;
    const request = requests.createUnregisterClientRequest({ clientId, consumerGroup });
    return this.#ask({ brokerName }, request, requests.readUnregisterClientResponse, bounds);
  }

  /** Checks a subscription at a broker. @throws {BrokerResponseError} when it does not take it. */
  check(
    brokerName: string,
    subscription: requests.Subscription,
    bounds: CallBounds,
  ): Promise<void> {
    const { clientId } = this.#client, { group } = this.#settings, { topic } = subscription;
    const request = requests.createCheckSubscriptionRequest({ clientId, group, subscription });
    const where = { brokerName, topic };
    return this.#ask(where, request, requests.readCheckSubscriptionResponse, bounds);
  }

  /** Returns the offset of the group, if the broker knows one. @throws {RocketMQError} */
  offset(queue: MessageQueue, bounds: CallBounds): Promise<bigint | undefined> {
    const { topic, queueId } = queue, { group: consumerGroup } = this.#settings;
    const request = requests.createQueryConsumerOffsetRequest({
      ...{ consumerGroup, topic, queueId, setZeroIfNotFound: false },
    });
    return this.#ask(queue, request, requests.readQueryConsumerOffsetResponse, bounds);
  }

  /** Stores the offset of the group. @throws {RocketMQError} unless the broker confirmed it. */
  commit(queue: MessageQueue, commitOffset: bigint, bounds: CallBounds = {}): Promise<void> {
    const { topic, queueId } = queue, { group: consumerGroup } = this.#settings;
    const request = requests.createUpdateConsumerOffsetRequest({
      ...{ consumerGroup, topic, queueId, commitOffset },
    });
    return this.#ask(queue, request, requests.readUpdateConsumerOffsetResponse, bounds);
  }

  /** Returns the offset at which a group that has none begins. @throws {RocketMQError} */
  startOffset(queue: MessageQueue, startFrom: StartFrom, bounds: CallBounds): Promise<bigint> {
    const { topic, queueId } = queue;
    if (startFrom === "last") return this.maxOffset(queue, bounds);
    if (startFrom === "first") {
      const request = requests.createGetMinOffsetRequest({ topic, queueId });
      return this.#ask(queue, request, requests.readGetMinOffsetResponse, bounds);
    }
    const timestamp = BigInt(startFrom.getTime());
    const request = requests.createSearchOffsetRequest({
      ...{ topic, queueId, timestamp, boundaryType: "LOWER" },
    });
    return this.#ask(queue, request, requests.readSearchOffsetResponse, bounds);
  }

  /** Returns the offset that the next message of the queue will get. @throws {RocketMQError} */
  maxOffset({ topic, queueId, brokerName }: MessageQueue, bounds: CallBounds): Promise<bigint> {
    const request = requests.createGetMaxOffsetRequest({ topic, queueId, committed: true });
    return this.#ask({ brokerName, topic }, request, requests.readGetMaxOffsetResponse, bounds);
  }

  /**
   * Asks for messages of a queue, and waits for the first one. A tag expression goes with the request.
   * So another member of the group that reads other tags does not change what comes. A broken SQL
   * expression in a request would select everything, so SQL goes with the heartbeat only.
   *
   * @throws {RocketMQError}
   */
  pull(
    queue: MessageQueue,
    subscription: TopicSubscription,
    queueOffset: bigint,
    signal: AbortSignal,
  ): Promise<requests.PullMessageResponse> {
    const { topic, queueId } = queue, { group: consumerGroup } = this.#settings;
    const { expression, expressionType, version } = subscription;
    const { SUSPEND, SUBSCRIPTION } = requests.PullSysFlag;
    const request = requests.createPullMessageRequest({
      ...{ consumerGroup, topic, queueId, queueOffset },
      sysFlag: expressionType === "TAG" ? SUSPEND | SUBSCRIPTION : SUSPEND,
      suspendTimeoutMillis: BigInt(HOLD),
      subVersion: BigInt(version),
      ...{ subscription: expression, expressionType },
    });
    const bounds = { timeout: HOLD + HOLD_GRACE, signal };
    return this.#ask(queue, request, requests.readPullMessageResponse, bounds);
  }

  /** Has a message delivered later, or made a dead letter. @throws {RocketMQError} */
  sendBack(
    queue: MessageQueue,
    fields: Omit<requests.SendBackHeader, "group" | "unitMode" | "maxReconsumeTimes">,
  ): Promise<void> {
    const { group, attempts } = this.#settings;
    const request = requests.createSendBackRequest({
      ...fields,
      ...{ group, unitMode: false, maxReconsumeTimes: attempts - 1 },
    });
    return this.#ask(queue, request, requests.readSendBackResponse);
  }

  #lockFields(
    queues: readonly MessageQueue[],
    clientId = this.#client.clientId,
  ): requests.QueueLockFields {
    return { consumerGroup: this.#settings.group, clientId, queues };
  }

  async #ask<T>(
    { brokerName, topic }: { brokerName: string; topic?: string },
    request: RemotingRequest,
    read: (response: RemotingCommand, context: requests.ResponseContext) => T,
    { timeout, signal }: CallBounds = {},
  ): Promise<T> {
    const { clock, requestTimeout } = this.#settings.client;
    const deadline = new Deadline(clock, timeout ?? requestTimeout);
    const wait = () => ({ timeout: deadline.remaining, signal });
    const connection = await this.#client.brokerConnection(brokerName, wait());
    const response = await connection.request(request, wait());
    return read(response, { address: connection.address, brokerName, topic });
  }
}
