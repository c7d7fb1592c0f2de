/**
 * An embedded name server and broker for tests: transactions run with nothing installed. And a page
 * that shows them as they happen.
 *
 * @module
 */
export { EmbeddedBroker } from "./embedded_broker.ts";
export type { EmbeddedBrokerOptions, EmbeddedTopic } from "./options.ts";
export type { EmbeddedBrokerStats } from "./stats.ts";
export type {
  CheckedEvent,
  EmbeddedBrokerEvent,
  EmbeddedBrokerEventBase,
  GivenUpEvent,
  GoneEvent,
  HalfStoredEvent,
  MessageStoredEvent,
  TransactionEventBase,
  VerdictEvent,
  VisibleEvent,
} from "./events.ts";
export type { Fault, Faults } from "./faults/faults.ts";
export type { FaultAction, FaultCondition, FaultRule, RequestName } from "./faults/fault_rule.ts";
export { type Inspector, type InspectorOptions, serveInspector } from "./inspector/inspector.ts";
export type {
  ClusterFinding,
  InspectedBroker,
  InspectedCluster,
  InspectedProducer,
  InspectorSource,
} from "./inspector/source.ts";
export type { Clock, TimerHandle } from "../clock.ts";
export type { Dialer, DialOptions, RawTransport, Transport } from "../transport/mod.ts";
export { RequestCode, ResponseCode, SerializeType } from "../remoting/mod.ts";
export type { MessageExt } from "../message/mod.ts";
export { InvalidArgumentError, InvalidStateError, RocketMQError } from "../errors.ts";
export type { RocketMQErrorCode, RocketMQErrorOptions } from "../errors.ts";
