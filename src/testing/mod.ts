/**
 * An embedded name server and broker for tests: transactions run with nothing installed. And a page
 * that shows them as they happen.
 *
 * @example See what became of a transaction
 * ```ts
 * import { LocalTransactionState, TransactionProducer } from "@rocketmq-deno/client";
 * import { EmbeddedBroker } from "@rocketmq-deno/client/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = await EmbeddedBroker.start();
 * await using producer = new TransactionProducer({
 *   nameServers: broker.nameServer,
 *   producerGroup: "orders",
 *   topics: ["orders"],
 *   transactionListener: { executeLocalTransaction: () => LocalTransactionState.Rollback },
 * });
 * await producer.start();
 * await producer.sendMessageInTransaction({ topic: "orders", body: "not paid" });
 * await broker.settled();
 * assertEquals(await broker.messages("orders"), []);
 * ```
 *
 * @module
 */
export { EmbeddedBroker } from "./embedded_broker.ts";
export type { EmbeddedBrokerOptions, EmbeddedGroup, EmbeddedTopic } from "./options.ts";
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
  ClusterRecord,
  InspectedBroker,
  InspectedCluster,
  InspectedProducer,
  InspectorSource,
} from "./inspector/source.ts";
export type { Clock, TimerHandle } from "../clock.ts";
export type { Dialer, DialOptions, Transport } from "../transport/mod.ts";
export { RequestCode, ResponseCode, SerializeType } from "../remoting/mod.ts";
export type { MessageExt } from "../message/mod.ts";
export {
  type ErrorFacts,
  InvalidArgumentError,
  InvalidStateError,
  RocketMQError,
  type RocketMQErrorCode,
} from "../errors.ts";
