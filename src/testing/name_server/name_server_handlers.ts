import { type RemotingCommand, RequestCode, ResponseCode } from "../../remoting/mod.ts";
import { type BrokerData, defineHeader, type QueueData } from "../../requests/mod.ts";
import { type Handler, type Handlers, Refusal, SEE_FAQ } from "../net/answer.ts";
import type { TopicConfig } from "../broker/topics.ts";
import { clusterBody, routeBody } from "./route_json.ts";

/** From this version on, clients get routes in JSON: 4.9.4. */
const JSON_SINCE = 401;

const routeHeader = defineHeader("GET_ROUTEINFO_BY_TOPIC request", {
  topic: "string?",
  acceptStandardJsonOnly: "boolean?",
});

/** A broker as the name server knows it. */
export interface RegisteredBroker {
  /** Its name. */
  readonly name: string;
  /** Name of its cluster. */
  readonly clusterName: string;
  /** `host:port`. */
  readonly address: string;
  /** What it knows of a topic. */
  topic(name: string): TopicConfig | undefined;
}

/**
 * What a name server carries out. It knows the brokers that are running now and all their topics,
 * where a real one learns of a new topic a moment after it was made.
 */
export function nameServerHandlers(brokers: () => readonly RegisteredBroker[]): Handlers {
  return new Map<number, Handler>([
    [RequestCode.GET_ROUTEINFO_BY_TOPIC, (request) => {
      const { topic } = routeHeader.decode(request.extFields);
      const having = brokers().filter((broker) => broker.topic(topic ?? "") !== undefined);
      if (having.length === 0) {
        throw new Refusal(
          ResponseCode.TOPIC_NOT_EXIST,
          `No topic route info in name server for the topic: ${topic ?? ""}${SEE_FAQ}`,
        );
      }
      const queues = having.map((broker) => queueDataOf(broker, broker.topic(topic!)!));
      return { body: routeBody(queues, having.map(brokerDataOf), !wantsJson(request)) };
    }],
    [RequestCode.GET_BROKER_CLUSTER_INFO, () => ({
      body: clusterBody(brokers().map(brokerDataOf)),
    })],
  ]);
}

function wantsJson({ version, extFields }: RemotingCommand): boolean {
  return version >= JSON_SINCE || extFields.acceptStandardJsonOnly === "true";
}

function brokerDataOf({ clusterName, name, address }: RegisteredBroker): BrokerData {
  return { cluster: clusterName, brokerName: name, brokerAddrs: new Map([[0, address]]) };
}

function queueDataOf({ name }: RegisteredBroker, config: TopicConfig): QueueData {
  const { readQueueNums, writeQueueNums, perm, topicSysFlag } = config;
  return { brokerName: name, readQueueNums, writeQueueNums, perm, topicSysFlag };
}
