import type { TransactionEventType } from "../event_types.ts";

/** A broker accepted the first heartbeat of a connection: check-backs can come over it. */
export interface BrokerRegisteredEvent {
  /** The kind of event. */
  type: "brokerRegistered";
  /** Name of the broker. */
  brokerName: string;
  /** `host:port` of the broker. */
  address: string;
}

/** A registered connection is over; it is made again in the background. */
export interface BrokerLostEvent {
  /** The kind of event. */
  type: "brokerLost";
  /** Name of the broker. */
  brokerName: string;
  /** `host:port` of the broker. */
  address: string;
  /** Why. */
  reason: string;
}

/** The route of a topic became known, or is another than before. */
export interface RouteChangedEvent {
  /** The kind of event. */
  type: "routeChanged";
  /** The topic. */
  topic: string;
  /** Brokers that serve it. */
  brokerNames: string[];
}

/** The producer became ready: see `isReady`. */
export interface ReadyEvent {
  /** The kind of event. */
  type: "ready";
}

/** The producer is not ready any more: see `isReady`. It becomes ready again in the background. */
export interface LostEvent {
  /** The kind of event. */
  type: "lost";
  /** Why. */
  reason: string;
}

/** An event that only a transaction producer has: see `TransactionEvent`. */
export interface OtherEvent {
  /** The kind of event. */
  type: TransactionEventType;
}

/**
 * What happens in a producer, one type for each kind of event. Code that gets some `Producer` may have a
 * transaction producer, which has more of them.
 */
export type ProducerEvent =
  | BrokerRegisteredEvent
  | BrokerLostEvent
  | RouteChangedEvent
  | ReadyEvent
  | LostEvent
  | OtherEvent;

/**
 * Why a producer is closed.
 *
 * - `drained`: it was shut down, and everything that was under way had ended before.
 * - `timeout`: it was shut down, and the time was over before everything had ended. Check-backs decide
 *   about what was cut off.
 * - `notStarted`: it was shut down before it had started.
 */
export type CloseReason = "drained" | "timeout" | "notStarted";
