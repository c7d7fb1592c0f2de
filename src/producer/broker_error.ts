import { ConnectionError } from "../errors.ts";
import type { MessageQueue } from "../message/mod.ts";
import type { SendBounds } from "./send_receipt.ts";

/** The most milliseconds that a half message needs on its way, see {@linkcode checkRest}. */
const LEAST_REST = 200;

/**
 * Makes sure that enough time is left for an answer. A half message that left in the last moment
 * would be stored, and nobody would know; one that does not leave has certainly failed.
 *
 * @throws {ConnectionError} that nothing was written.
 */
export function checkRest(
  { deadline }: SendBounds,
  remaining: number,
  { brokerName, topic }: MessageQueue,
  address: string,
): void {
  const least = Math.min(LEAST_REST, deadline.timeout / 10);
  if (remaining >= least) return;
  throw new ConnectionError(
    "TIMEOUT",
    `Cannot send to broker "${brokerName}" at ${address}: of ${deadline.timeout} ms for the send only ` +
      `${Math.floor(remaining)} were left when it could be reached, too few for an answer`,
    { address, brokerName, topic, isRetriable: true },
  );
}

/** What a connection threw, with the broker that it leads to. */
export function errorAt({ brokerName, topic }: MessageQueue, error: unknown): unknown {
  if (!(error instanceof ConnectionError) || error.brokerName !== undefined) return error;
  const { address, written, isRetriable, cause } = error;
  return new ConnectionError(error.code as ConnectionErrorCode, error.message, {
    address,
    written,
    isRetriable,
    brokerName,
    topic,
    ...(cause === undefined ? {} : { cause }),
  });
}

type ConnectionErrorCode = ConstructorParameters<typeof ConnectionError>[0];
