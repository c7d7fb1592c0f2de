import { InvalidArgumentError } from "../errors.ts";
import { decodeProperties, encodeProperties, MessageProperty } from "../message/mod.ts";
import { Release, releaseOf } from "../remoting/internal.ts";
import type { Connection } from "../transport/mod.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";

/**
 * Refuses a timer message for a broker that has no timers: it would deliver the message at once. One
 * that does not say what release it is of may have them.
 *
 * @throws {InvalidArgumentError} naming the broker, its release and what helps.
 */
export function checkTimers(connection: Connection, brokerName: string, topic: string): void {
  const { peerVersion, address } = connection;
  if (!isBefore5(peerVersion)) return;
  throw new InvalidArgumentError(
    `Cannot send message to topic "${topic}": broker "${brokerName}" at ${address} is of release ` +
      `${releaseOf(peerVersion)} and would deliver it at once, delay and deliverAt need 5.0.0 or ` +
      "later: use delayLevel",
    { topic, brokerName, address },
  );
}

/**
 * The properties of a message as its broker takes them. A broker before 5.0 adds those of a batch to
 * each of its messages, which would all get the id of the batch.
 */
export function propertiesFor({ peerVersion }: Connection, message: OutgoingMessage): string {
  if (!message.batch || !isBefore5(peerVersion)) return message.properties;
  const { [MessageProperty.UniqueKey]: _, ...properties } = decodeProperties(message.properties);
  return encodeProperties(properties);
}

function isBefore5(version: number): boolean {
  return releaseOf(version) !== undefined && version < Release.V5_0_0;
}
