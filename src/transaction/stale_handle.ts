import type { Deadline } from "../client/mod.ts";
import { BrokerResponseError, describe, InvalidStateError, printable } from "../errors.ts";
import { decodeStoredMessages, MessageProperty } from "../message/mod.ts";
import { ResponseCode } from "../remoting/mod.ts";
import { createViewMessageRequest, readViewMessageResponse } from "../requests/mod.ts";
import type { Connection } from "../transport/mod.ts";
import type { HalfMessageHandle } from "./half_message.ts";

/** Response codes that tell of a record, or are to be asked again: with any other nothing is known. */
const TELLING: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.FLOW_CONTROL,
  ResponseCode.GO_AWAY,
]);

/**
 * Looks whether a handle still means its half message, before a verdict leaves on another connection
 * than the one that the handle came on: after a reconnect, and with the VIP channel. A broker that has
 * lost the end of its log in between, by a power failure or because its slave lagged behind when it
 * was promoted, writes other records in the same places; a verdict names its half message by the place
 * only, and would end another one. Where the broker does not let look, the verdict goes out unseen.
 *
 * @throws {InvalidStateError} when something else is there.
 * @throws {BrokerResponseError} when nothing is there.
 * @throws {ConnectionError} when there is no answer in time.
 */
export async function refuseStaleHandle(
  connection: Connection,
  { brokerName, commitLogOffset: offset }: HalfMessageHandle,
  { transactionId, topic }: { transactionId: string; topic: string },
  deadline: Deadline,
): Promise<void> {
  const timeout = deadline.remaining, { address } = connection;
  const response = await connection.request(createViewMessageRequest({ offset, topic }), {
    timeout,
  });
  let found: string;
  try {
    const bytes = readViewMessageResponse(response, { address, brokerName, topic });
    const [record] = decodeStoredMessages(bytes);
    // One without a key goes by an id that only check-backs tell, see `transactionIdOf`.
    const id = record && (record.properties[MessageProperty.UniqueKey] || transactionId);
    if (id === transactionId) return;
    found = id === undefined ? "nothing" : `that of ${printable(id, 128)}`;
  } catch (error) {
    if (!(error instanceof BrokerResponseError)) found = `no message: ${describe(error)}`;
    else if (TELLING.has(error.responseCode)) throw error;
    else return;
  }
  throw new InvalidStateError(
    `Cannot send the verdict: where broker "${brokerName}" had the half message of ${transactionId} ` +
      `is now ${found}, it has lost the end of its log`,
  );
}
