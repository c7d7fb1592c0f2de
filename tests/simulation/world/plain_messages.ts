import { decodeBatch, decodeProperties, MessageProperty } from "../../../src/message/mod.ts";
import type { RemotingCommand } from "../../../src/remoting/mod.ts";
import { sendMessageResponseHeader } from "../../../src/requests/mod.ts";
import { readSendMessageRequest } from "../../../src/testing/requests.ts";
import type { Broker } from "./broker.ts";
import type { Answer } from "./broker_requests.ts";
import { messageIdOf } from "./check_round.ts";

/** Whether a message that is sent is half of a transaction. */
export function isHalf(properties: Record<string, string>): boolean {
  return properties[MessageProperty.TransactionPrepared] === "true";
}

/** The names of the messages in a send that is no half message. */
export function plainNames(command: RemotingCommand): string[] {
  const { properties, batch } = readSendMessageRequest(command);
  const all = batch
    ? decodeBatch(command.body).map((message) => message.properties)
    : [decodeProperties(properties ?? "")];
  return all.map((own) => own[MessageProperty.Keys]!);
}

/** Stores plain messages: they are visible at once. */
export function storePlain(broker: Broker, command: RemotingCommand): Answer {
  const names = plainNames(command), { world, store, troubles } = broker;
  const header = readSendMessageRequest(command);
  world.tell({ type: "plainStored", broker: broker.name, name: names[0]!, count: names.length });
  const ids = names.map(() => messageIdOf(broker, store.putPlain()));
  return {
    code: troubles.storeCode,
    extFields: sendMessageResponseHeader.encode({
      msgId: ids.join(","),
      queueId: header.queueId,
      queueOffset: 0n,
    }),
  };
}
