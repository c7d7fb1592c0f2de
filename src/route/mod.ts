/**
 * Addresses, routes, and the choice of a queue.
 *
 * @module
 */
export {
  type Address,
  formatAddress,
  parseAddress,
  readAddress,
  readBrokerAddress,
} from "./address.ts";
export {
  type AllowBroker,
  type BrokerAddressRules,
  describeRejected,
  MASTER_ID,
  type RejectedBroker,
  type RouteBroker,
} from "./brokers.ts";

export { QueueSelector, TopicRoute } from "./topic_route.ts";
