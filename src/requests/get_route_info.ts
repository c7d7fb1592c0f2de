import {
  type RemotingCommand,
  type RemotingRequest,
  RequestCode,
  ResponseCode,
} from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";
import { decodeTopicRouteData, type TopicRouteData } from "./topic_route_data.ts";

/*
  GET_ROUTEINFO_BY_TOPIC (105), to a name server

  request  = topic:string [acceptStandardJsonOnly:boolean]
  response = code 0, body: JSON { orderTopicConf?, queueDatas, brokerDatas, … }
           | code 17: no broker has the topic

  Without acceptStandardJsonOnly (and a version below 401) the broker ids in the body are bare:
  {0:"host:port"}. Name servers before 4.9.4 know neither switch, so the bare form is read too.
*/

/** The header of a route query. */
export const getRouteInfoHeader = defineHeader("GET_ROUTEINFO_BY_TOPIC request", {
  topic: "string",
  acceptStandardJsonOnly: "boolean?",
});

/** The fields of a route query. */
export type GetRouteInfoHeader = HeaderFields<typeof getRouteInfoHeader>;

/** Asks a name server where a topic is. */
export function createGetRouteInfoRequest(topic: string): RemotingRequest {
  return {
    code: RequestCode.GET_ROUTEINFO_BY_TOPIC,
    extFields: getRouteInfoHeader.encode({ topic, acceptStandardJsonOnly: true }),
  };
}

/**
 * Reads the answer to a route query; undefined when the name server does not know the topic.
 *
 * @throws {BrokerResponseError} when the name server refuses.
 * @throws {ProtocolError} when the body is missing or is not a route.
 */
export function readGetRouteInfoResponse(
  response: RemotingCommand,
  context: ResponseContext,
): TopicRouteData | undefined {
  if (response.code === ResponseCode.TOPIC_NOT_EXIST) return undefined;
  checkSuccess(response, "get the route", context, { actions: ["PUB", "SUB", "GET"] });
  return decodeTopicRouteData(response.body, context);
}
