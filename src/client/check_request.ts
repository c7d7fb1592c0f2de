import type { ClientNamespace } from "../access/mod.ts";
import { describe, printable } from "../errors.ts";
import type { ThrottledLogger } from "../logger.ts";
import { decodeStoredMessage, MessageProperty, type StoredMessage } from "../message/mod.ts";
import type { RemotingCommand } from "../remoting/mod.ts";
import {
  type CheckTransactionStateHeader,
  readCheckTransactionStateRequest,
} from "../requests/mod.ts";
import type { Connection } from "../transport/mod.ts";

/** A check-back as it came, after its producer group was found. */
export interface CheckRequest {
  /** The fields of the request. */
  readonly header: CheckTransactionStateHeader;
  /** The half message in its body, as the broker stored it. Its topic is without the namespace. */
  readonly message: StoredMessage;
  /** Name of the broker that checks back. */
  readonly brokerName: string;
  /** The connection that it came on, and that its answer goes to. */
  readonly connection: Connection;
}

/** What is needed to find the receiver of a check-back. */
interface CheckReceiver {
  /** Log for check-backs that are ignored. */
  warnings: ThrottledLogger;
  /** Returns the handler of a producer group. */
  handlerOf: (group: string) => ((check: CheckRequest) => void) | undefined;
  /** Name of the broker at an address. */
  brokerAt: (address: string) => string | undefined;
  /** Namespace of the client, if it has one of version 1. */
  namespace?: ClientNamespace | undefined;
}

/** Passes a check-back to its producer group. Ignores one that can't be read or has no handler. */
export function routeCheckBack(
  command: RemotingCommand,
  connection: Connection,
  { warnings, handlerOf, brokerAt, namespace }: CheckReceiver,
): void {
  const ignore = (kind: string, detail = "") =>
    warnings.warn(
      kind,
      `Ignored a check-back from ${connection.address}: ${kind}${detail && `: ${detail}`}`,
    );
  let header: CheckTransactionStateHeader, message: StoredMessage;
  try {
    header = readCheckTransactionStateRequest(command);
    message = decodeStoredMessage(command.body);
    if (namespace) message = { ...message, topic: namespace.unwrap(message.topic) };
  } catch (error) {
    return ignore("it can't be decoded", describe(error));
  }
  const group = message.properties[MessageProperty.ProducerGroup];
  if (!group) return ignore("its message names no producer group");
  const take = handlerOf(group);
  if (!take) {
    return ignore("its producer group is not in this client", `"${printable(group, 128)}"`);
  }
  const brokerName = header.bname ?? brokerAt(connection.address) ?? "";
  take({ header, message, brokerName, connection });
}
