import type { HeaderContext } from "./header.ts";
import { JsonValue } from "./json_body.ts";

/** How many queues of a topic a broker has, and what may be done with them. */
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
  /** `host:port` by broker id; the master has id 0. */
  brokerAddrs: ReadonlyMap<number, string>;
}

/** Where a topic is, as a name server tells it. */
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
 * Reads the body of a route: unknown members are ignored, absent lists are empty.
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

/** Writes the body of a route as a name server does for a client of a recent version. */
export function encodeTopicRouteData(data: TopicRouteData): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({
    brokerDatas: data.brokerDatas.map((broker) => ({
      brokerAddrs: Object.fromEntries(broker.brokerAddrs),
      brokerName: broker.brokerName,
      cluster: broker.cluster,
      enableActingMaster: false,
    })),
    filterServerTable: {},
    orderTopicConf: data.orderTopicConf,
    queueDatas: data.queueDatas,
  }));
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
