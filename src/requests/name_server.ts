import {
  type RemotingCommand,
  type RemotingRequest,
  RequestCode,
  ResponseCode,
} from "../remoting/mod.ts";
import { defineHeader, type HeaderContext, type HeaderFields } from "./header.ts";
import { JsonValue } from "./json_body.ts";
import { checkSuccess, type Remedies, type ResponseContext } from "./response.ts";

/*
  GET_ROUTEINFO_BY_TOPIC (105), to a name server

  request  = topic:string [acceptStandardJsonOnly:boolean]
  response = code 0, body: JSON { orderTopicConf?, queueDatas, brokerDatas, … }
           | code 17: no broker has the topic

  Without acceptStandardJsonOnly, and with a version below 401, the broker ids in the body have no
  quotes: {0:"host:port"}. Name servers before 4.9.4 know neither switch, so this form is read, too.
*/

/** The header of a route query. */
export const getRouteInfoHeader = defineHeader("GET_ROUTEINFO_BY_TOPIC request", {
  topic: "string",
  acceptStandardJsonOnly: "boolean?",
});

/** The fields of a route query. */
export type GetRouteInfoHeader = HeaderFields<typeof getRouteInfoHeader>;

/** Makes a request for the route of a topic. */
export function createGetRouteInfoRequest(topic: string): RemotingRequest {
  return {
    code: RequestCode.GET_ROUTEINFO_BY_TOPIC,
    extFields: getRouteInfoHeader.encode({ topic, acceptStandardJsonOnly: true }),
  };
}

/**
 * Reads the answer to a route query. Returns undefined if the name server does not know the topic.
 *
 * @throws {BrokerResponseError} when the name server refuses.
 * @throws {ProtocolError} when the body is missing or is not a route.
 */
export function readGetRouteInfoResponse(
  response: RemotingCommand,
  context: ResponseContext,
): TopicRouteData | undefined {
  if (response.code === ResponseCode.TOPIC_NOT_EXIST) return undefined;
  checkSuccess(response, context, { what: "get the route", actions: ["PUB", "SUB", "GET"] });
  return decodeTopicRouteData(response.body, context);
}

/** The queues of a topic on one broker, and their permission. */
export interface QueueData {
  /** Name of the broker. */
  brokerName: string;
  /** Number of queues that can be read. */
  readQueueNums: number;
  /** Number of queues that can be written to. */
  writeQueueNums: number;
  /** Permission bits: 1 inherit, 2 write, 4 read, 8 priority. */
  perm: number;
  /** Flags of the topic. */
  topicSysFlag: number;
}

/** The members of a broker group: a master and its slaves share one name. */
export interface BrokerData {
  /** Name of the cluster. */
  cluster: string;
  /** Name of the broker. */
  brokerName: string;
  /** `host:port` by broker id. The master has id 0. */
  brokerAddrs: ReadonlyMap<number, string>;
}

/** The route of a topic, as a name server gives it. */
export interface TopicRouteData {
  /** For an ordered topic its queues, `broker-a:8;broker-b:8`. */
  orderTopicConf?: string;
  /** The queues by broker. */
  queueDatas: readonly QueueData[];
  /** The brokers that have queues of the topic. */
  brokerDatas: readonly BrokerData[];
}

/** Most brokers, and most entries of any list, in one route. */
export const MAX_ROUTE_BROKERS = 4096;

/** Most queues of a topic over all its brokers. */
export const MAX_ROUTE_QUEUES = 65_536;

const INT32_MAX = 0x7fff_ffff;

/**
 * Reads the body of a route. Unknown members are ignored, absent lists are empty.
 *
 * @throws {ProtocolError} when it is not a route within the limits.
 */
export function decodeTopicRouteData(body: Uint8Array, context: HeaderContext): TopicRouteData {
  const root = JsonValue.parse(body, "route", context);
  const queues = root.member("queueDatas");
  const queueDatas = queues.items(MAX_ROUTE_BROKERS).map(readQueueData);
  for (const side of ["readQueueNums", "writeQueueNums"] as const) {
    const total = queueDatas.reduce((sum, data) => sum + data[side], 0);
    if (total > MAX_ROUTE_QUEUES) {
      throw queues.refuse(`has ${total} in ${side}, at most ${MAX_ROUTE_QUEUES} are allowed`);
    }
  }
  const data: TopicRouteData = {
    queueDatas,
    brokerDatas: root.member("brokerDatas").items(MAX_ROUTE_BROKERS).map(readBrokerData),
  };
  const order = root.member("orderTopicConf");
  if (!order.isAbsent) data.orderTopicConf = order.string();
  return data;
}

/** Reads one broker group of a route or of the cluster information. */
export function readBrokerData(broker: JsonValue): BrokerData {
  const brokerAddrs = new Map<number, string>();
  for (const [id, address] of broker.member("brokerAddrs").entries(MAX_ROUTE_BROKERS)) {
    if (!/^\d{1,15}$/.test(id)) throw address.refuse("has a name that is not a broker id");
    brokerAddrs.set(Number(id), address.string());
  }
  return {
    cluster: broker.member("cluster").string(""),
    brokerName: broker.member("brokerName").string(),
    brokerAddrs,
  };
}

function readQueueData(queue: JsonValue): QueueData {
  return {
    brokerName: queue.member("brokerName").string(),
    readQueueNums: queue.member("readQueueNums").integer(0, MAX_ROUTE_QUEUES, 0),
    writeQueueNums: queue.member("writeQueueNums").integer(0, MAX_ROUTE_QUEUES, 0),
    perm: queue.member("perm").integer(0, INT32_MAX, 0),
    topicSysFlag: queue.member("topicSysFlag").integer(-INT32_MAX - 1, INT32_MAX, 0),
  };
}

/*
  GET_BROKER_CLUSTER_INFO (106), to a name server

  request  = no fields
  response = code 0, body: { brokerAddrTable: { brokerName: BrokerData }, clusterAddrTable: { cluster: [brokerName] } }

  The broker ids in the body never have quotes: {0:"host:port"}.
*/

/** All brokers that a name server knows. */
export interface BrokerClusterInfo {
  /** The brokers by name. */
  brokers: ReadonlyMap<string, BrokerData>;
  /** Names of the brokers by cluster. */
  clusters: ReadonlyMap<string, readonly string[]>;
}

/** Explains what kind of server does not list brokers. */
const NO_NAME_SERVER: Remedies = {
  [ResponseCode.REQUEST_CODE_NOT_SUPPORTED]:
    "only a name server lists brokers: check that the address is of the right kind of server, a " +
    "proxy or a broker is not; behind a proxy make topics with an admin tool",
};

/** Makes a request for all brokers that a name server knows. */
export function createGetBrokerClusterInfoRequest(): RemotingRequest {
  return { code: RequestCode.GET_BROKER_CLUSTER_INFO };
}

/**
 * Reads the brokers and clusters.
 *
 * @throws {BrokerResponseError} when the name server refuses.
 * @throws {ProtocolError} when the body is not what it should be.
 */
export function readGetBrokerClusterInfoResponse(
  response: RemotingCommand,
  context: ResponseContext,
): BrokerClusterInfo {
  checkSuccess(response, context, { what: "list the brokers", remedies: NO_NAME_SERVER });
  const root = JsonValue.parse(response.body, "cluster information", context);
  const brokers = root.member("brokerAddrTable").entries(MAX_ROUTE_BROKERS)
    .map(([name, broker]): [string, BrokerData] => [name, readBrokerData(broker)]);
  const clusters = root.member("clusterAddrTable").entries(MAX_ROUTE_BROKERS)
    .map(([name, members]): [string, string[]] => [
      name,
      members.items(MAX_ROUTE_BROKERS).map((member) => member.string()),
    ]);
  return { brokers: new Map(brokers), clusters: new Map(clusters) };
}
