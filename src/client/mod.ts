/**
 * The client as a member of the cluster: name servers, routes, registered connections.
 *
 * @module
 */
export type { AccessOptions } from "./access_options.ts";
export type { CheckRequest } from "./check_request.ts";
export { type ClientHooks, ClientInstance, type ConsumerMember } from "./client_instance.ts";
export { checkName, MAX_GROUP_LENGTH, MAX_TOPIC_LENGTH } from "./names.ts";
export { type Fetch } from "./name_server_list.ts";
export {
  type AddressMap,
  CLIENT_OPTIONS,
  type ClientOptions,
  type ClientSettings,
  resolveClientOptions,
} from "./options.ts";
export { DEFAULT_TOPIC, DEFAULT_TOPIC_QUEUES } from "./route_table.ts";
