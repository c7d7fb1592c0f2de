import { checkCount, checkNames, namesOf } from "../checks.ts";
import type { ClientInstance, ClientSettings } from "../client/mod.ts";
import { InvalidArgumentError, printable, TopicRouteNotFoundError } from "../errors.ts";
import type { RemotingCommand } from "../remoting/mod.ts";
import {
  type BrokerData,
  createCreateTopicRequest,
  createRecallMessageRequest,
  readCreateTopicResponse,
  readRecallMessageResponse,
} from "../requests/mod.ts";
import { TopicRoute } from "../route/mod.ts";
import type { SendBounds } from "./send_policy.ts";
import { checkTopic } from "./validation.ts";

/** Describes a topic to be made, or changed to be like this. */
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
   * Makes it an ordered topic if `true`.
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

const TOPIC_FIELDS = namesOf<TopicFields>({
  topic: true,
  queues: true,
  perm: true,
  order: true,
  attributes: true,
  clusterName: true,
});

/**
 * Makes a topic on every master, and throws the first failure when all have answered.
 *
 * @throws {RocketMQError}
 */
export async function createTopic(
  client: ClientInstance,
  settings: ClientSettings,
  fields: TopicFields,
  bounds: SendBounds,
): Promise<void> {
  checkNames(fields, TOPIC_FIELDS, "field of a topic");
  const { topic, clusterName, order = false, attributes = {} } = fields;
  checkTopic(topic, client.namespace);
  const queues = checkCount("queues", fields.queues, { fallback: 4, min: 1, max: 65_536 });
  const perm = checkCount("perm", fields.perm, { fallback: 6, min: 0, max: 7 });
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

/** Lists names and addresses of the masters. The rules for addresses are those of routes. */
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

/** Names a message to recall. */
export interface RecallFields {
  /** Topic that it was sent to. */
  topic: string;
  /** The `recallHandle` of its {@linkcode SendResult}. */
  recallHandle: string;
}

/**
 * Recalls a timer message from the broker that its handle names.
 *
 * @returns the id of the message.
 * @throws {RocketMQError}
 */
export async function recallMessage(
  client: ClientInstance,
  { topic, recallHandle }: RecallFields,
  { producerGroup, bounds, onAnswer }: {
    producerGroup: string;
    bounds: SendBounds;
    /** Called with the id of the message and what the broker answered. */
    onAnswer: (messageId: string, response: RemotingCommand) => void;
  },
): Promise<string> {
  checkTopic(topic, client.namespace);
  const { brokerName, messageId } = readHandle(recallHandle);
  const rest = () => ({ timeout: bounds.deadline.remaining, signal: bounds.signal });
  let route = await client.route(topic, rest());
  if (route.masterAddress(brokerName) === undefined) {
    route = await client.refreshRoute(topic, rest());
    if (route.masterAddress(brokerName) === undefined) {
      throw new TopicRouteNotFoundError(
        `Cannot recall a message of topic "${topic}": its route names no master of broker ` +
          `"${printable(brokerName, 64)}", which keeps it`,
        { topic, brokerName, isRetriable: true },
      );
    }
  }
  const connection = await client.brokerConnection(brokerName, rest());
  const request = createRecallMessageRequest({
    producerGroup,
    topic,
    recallHandle,
    bname: brokerName,
  });
  const response = await connection.request(request, rest());
  onAnswer(messageId, response);
  return readRecallMessageResponse(response, { address: connection.address, brokerName, topic });
}

/** Reads broker and message in a handle, which is `v1 topic broker time id` in base64 for URLs. */
function readHandle(handle: unknown): { brokerName: string; messageId: string } {
  const parts = decodeBase64(handle)?.split(" ") ?? [];
  const [version, , brokerName, , messageId] = parts;
  if (version === "v1" && messageId !== undefined && brokerName) return { brokerName, messageId };
  throw new InvalidArgumentError(
    `Cannot recall a message: "${
      printable(String(handle), 64)
    }" is not the recallHandle of the result of a send`,
  );
}

function decodeBase64(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  try {
    return atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return undefined;
  }
}
