/**
 * The requests of the protocol, one file each: header fields, body, and how the answer is read.
 * Pure: a request becomes a {@linkcode RemotingRequest}, an answer becomes a value or an error.
 *
 * @module
 */
export * from "./check_transaction_state.ts";
export * from "./create_topic.ts";
export * from "./end_transaction.ts";
export * from "./get_broker_cluster_info.ts";
export * from "./get_max_offset.ts";
export * from "./get_min_offset.ts";
export * from "./get_route_info.ts";
export * from "./heartbeat.ts";
export * from "./prepared_request.ts";
export * from "./pull_message.ts";
export * from "./push_reply_message.ts";
export * from "./query_consumer_offset.ts";
export * from "./query_message.ts";
export * from "./recall_message.ts";
export * from "./resume_check_half_message.ts";
export * from "./search_offset.ts";
export * from "./send_message.ts";
export * from "./unregister_client.ts";
export * from "./update_consumer_offset.ts";
export * from "./view_message.ts";
export { offsetResponseHeader } from "./offset_response.ts";
export type { ResponseContext } from "./response.ts";
export {
  type BrokerData,
  encodeTopicRouteData,
  MAX_ROUTE_QUEUES,
  type QueueData,
  type TopicRouteData,
} from "./topic_route_data.ts";
export {
  defineHeader,
  type FieldKind,
  type FieldList,
  type FieldsOf,
  type FieldSpec,
  type HeaderCodec,
  type HeaderContext,
  type HeaderFields,
} from "./header.ts";
