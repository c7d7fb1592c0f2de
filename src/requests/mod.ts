/**
 * The requests of the protocol: their header fields and bodies, and how their answers are read. Pure: a
 * request becomes a {@linkcode RemotingRequest}, an answer becomes a value or an error.
 *
 * @module
 */
export * from "./consumer_group.ts";
export * from "./create_topic.ts";
export * from "./find_message.ts";
export {
  defineHeader,
  type FieldKind,
  type FieldList,
  type FieldsOf,
  type FieldSpec,
  type HeaderCodec,
  type HeaderContext,
  type HeaderFields,
  PreparedHeaders,
  PreparedRequest,
} from "./header.ts";
export { JsonValue } from "./json_body.ts";
export * from "./membership.ts";
export {
  type BrokerClusterInfo,
  type BrokerData,
  createGetBrokerClusterInfoRequest,
  createGetRouteInfoRequest,
  getRouteInfoHeader,
  MAX_ROUTE_QUEUES,
  type QueueData,
  readGetBrokerClusterInfoResponse,
  readGetRouteInfoResponse,
  type TopicRouteData,
} from "./name_server.ts";
export * from "./offsets.ts";
export * from "./operator.ts";
export * from "./pull_message.ts";
export * from "./push_reply_message.ts";
export * from "./queue_locks.ts";
export * from "./recall_message.ts";
export { isTransientRefusal, type ResponseContext } from "./response.ts";
export * from "./send_back.ts";
export * from "./send_message.ts";
export * from "./subscription.ts";
export * from "./transactions.ts";
