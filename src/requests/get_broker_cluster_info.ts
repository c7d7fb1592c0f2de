import { type RemotingCommand, type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import { JsonValue } from "./json_body.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";
import { type BrokerData, MAX_ROUTE_BROKERS, readBrokerData } from "./topic_route_data.ts";

/*
  GET_BROKER_CLUSTER_INFO (106), to a name server

  request  = no fields
  response = code 0, body: { brokerAddrTable: { brokerName: BrokerData }, clusterAddrTable: { cluster: [brokerName] } }

  The broker ids in the body are always bare, {0:"host:port"}.
*/

/** All brokers that a name server knows. */
export interface BrokerClusterInfo {
  /** The brokers by name. */
  brokers: ReadonlyMap<string, BrokerData>;
  /** Names of the brokers by cluster. */
  clusters: ReadonlyMap<string, readonly string[]>;
}

/** Asks a name server for all its brokers. */
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
  checkSuccess(response, "list the brokers", context);
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
