import { RequestCode, ResponseCode } from "../../src/remoting/mod.ts";
import type { BrokerData, QueueData, TopicRouteData } from "../../src/requests/mod.ts";
import { encodeTopicRouteData } from "./requests.ts";
import { type Reply, ScriptedPeer } from "./scripted_peer.ts";

/** A broker group of a route, in short. */
export interface RouteEntry {
  /** Name of the broker. */
  name: string;
  /** Address of the master; none means that only a slave is there. */
  address?: string;
  /** @default {4} */
  queues?: number;
  /** @default {6} */
  perm?: number;
}

/** A name server whose routes a test sets. */
export class ScriptedNameServer extends ScriptedPeer {
  readonly address: string;
  /** Whether a broker has registered: not so when it has just started. */
  knowsBrokers = true;
  readonly #routes = new Map<string, Uint8Array>();

  constructor(address: string) {
    super();
    this.address = address;
    this.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, ({ extFields }) => this.answer(extFields.topic!));
    this.on(RequestCode.GET_BROKER_CLUSTER_INFO, () => ({ body: clusterBody(this.knowsBrokers) }));
  }

  /** Sets the route of a topic: entries, or a body as it goes on the wire. */
  route(topic: string, route: readonly RouteEntry[] | Uint8Array, orderTopicConf?: string): void {
    this.#routes.set(topic, route instanceof Uint8Array ? route : routeBody(route, orderTopicConf));
  }

  /** Forgets a topic. */
  forget(topic: string): void {
    this.#routes.delete(topic);
  }

  /** What it answers when it is asked for a topic. */
  answer(topic: string): Reply {
    const body = this.#routes.get(topic);
    if (body) return { body };
    return {
      code: ResponseCode.TOPIC_NOT_EXIST,
      remark: `No topic route info in name server for the topic: ${topic}`,
    };
  }

  /** Topics that were asked for, in order. */
  asked(): string[] {
    return this.requests(RequestCode.GET_ROUTEINFO_BY_TOPIC).map(({ extFields }) =>
      extFields.topic!
    );
  }
}

function clusterBody(knowsBrokers: boolean): Uint8Array {
  const broker = {
    cluster: "DefaultCluster",
    brokerName: "b",
    brokerAddrs: { 0: "10.0.9.8:10911" },
  };
  const info = knowsBrokers
    ? { brokerAddrTable: { b: broker }, clusterAddrTable: { DefaultCluster: ["b"] } }
    : { brokerAddrTable: {}, clusterAddrTable: {} };
  return new TextEncoder().encode(JSON.stringify(info));
}

/** The body of a route. */
export function routeBody(entries: readonly RouteEntry[], orderTopicConf?: string): Uint8Array {
  const queueDatas = entries.map(({ name, queues = 4, perm = 6 }): QueueData => ({
    brokerName: name,
    readQueueNums: queues,
    writeQueueNums: queues,
    perm,
    topicSysFlag: 0,
  }));
  const brokerDatas = entries.map(({ name, address }): BrokerData => ({
    cluster: "DefaultCluster",
    brokerName: name,
    brokerAddrs: new Map([address === undefined ? [1, "10.0.9.9:10911"] : [0, address]]),
  }));
  const data: TopicRouteData = { queueDatas, brokerDatas };
  if (orderTopicConf !== undefined) data.orderTopicConf = orderTopicConf;
  return encodeTopicRouteData(data);
}
