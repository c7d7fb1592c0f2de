import { checkCount } from "../checks.ts";
import type { ClientInstance, ClientSettings } from "../client/mod.ts";
import { InvalidArgumentError, printable, TopicRouteNotFoundError } from "../errors.ts";
import {
  type BrokerData,
  createCreateTopicRequest,
  readCreateTopicResponse,
} from "../requests/mod.ts";
import { TopicRoute } from "../route/mod.ts";
import type { SendBounds } from "./send_receipt.ts";
import { checkTopic } from "./validation.ts";

/** A topic to be made, or changed to be like this. */
export interface TopicFields {
  /** Its name: 1 to 127 of `A-Z a-z 0-9 _ - % |`. */
  topic: string;
  /**
   * Number of its queues on each broker, 1 to 65536.
   *
   * @default {4}
   */
  queues?: number;
  /**
   * Permission bits: 2 write, 4 read.
   *
   * @default {6}
   */
  perm?: number;
  /**
   * Whether it is an ordered topic.
   *
   * @default {false}
   */
  order?: boolean;
  /** For brokers from version 5.0 on, older ones ignore them, for example `{ "message.type": "TRANSACTION" }`. */
  attributes?: Readonly<Record<string, string>>;
  /**
   * The cluster whose brokers get it.
   *
   * @default {all brokers that the name server knows}
   */
  clusterName?: string;
}

/**
 * Makes a topic on every master, and tells the first failure when all were asked.
 *
 * @throws {RocketMQError}
 */
export async function createTopic(
  client: ClientInstance,
  settings: ClientSettings,
  fields: TopicFields,
  bounds: SendBounds,
): Promise<void> {
  const { topic, clusterName, order = false, attributes = {} } = fields;
  checkTopic(topic, client.namespace);
  const queues = checkCount("queues", fields.queues, 4, 1, 65_536);
  const perm = checkCount("perm", fields.perm, 6, 0, 7);
  const request = createCreateTopicRequest({
    topic,
    readQueueNums: queues,
    writeQueueNums: queues,
    perm,
    order,
    attributes,
  });
  const rest = () => ({ timeout: bounds.deadline.remaining, signal: bounds.signal });
  const { brokers } = await client.clusterInfo(rest());
  const masters = mastersOf([...brokers.values()], clusterName, settings);
  if (masters.length === 0) {
    throw new TopicRouteNotFoundError(
      `Cannot create topic "${topic}": the name server knows no master of ${
        clusterName === undefined ? "any cluster" : `cluster "${printable(clusterName, 64)}"`
      }`,
      { topic, isRetriable: true },
    );
  }
  const all = await Promise.allSettled(masters.map(async ([brokerName, address]) => {
    const connection = await client.connectionTo(address, rest());
    const response = await connection.request(request, rest());
    readCreateTopicResponse(response, { address, brokerName, topic });
  }));
  // What was known of the topic may be a route that was borrowed until it exists.
  if (client.peekRoute(topic)) await client.refreshRoute(topic, rest()).catch(() => {});
  const failure = all.find((result) => result.status === "rejected");
  if (failure) throw failure.reason;
}

/** Names and addresses of the masters. The rules for addresses are those of routes. */
function mastersOf(
  brokers: readonly BrokerData[],
  clusterName: string | undefined,
  addresses: ClientSettings,
): [brokerName: string, address: string][] {
  if (clusterName !== undefined && typeof clusterName !== "string") {
    throw new InvalidArgumentError("Cannot create topic: clusterName is not a string");
  }
  const brokerDatas = brokers.filter(({ cluster }) =>
    clusterName === undefined || cluster === clusterName
  );
  const route = new TopicRoute("", { queueDatas: [], brokerDatas }, addresses);
  return route.brokerNames.flatMap((brokerName): [string, string][] => {
    const address = route.masterAddress(brokerName);
    return address === undefined ? [] : [[brokerName, address]];
  });
}
