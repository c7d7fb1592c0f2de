import type { RemotingCommand } from "../remoting/mod.ts";
import { defineHeader, type HeaderContext, type HeaderFields } from "./header.ts";

/*
  PUSH_REPLY_MESSAGE_TO_CLIENT (326), from a broker to the client that sent a request message

  request  = the fields of the reply's SEND_REPLY_MESSAGE (324, 325) under their long names, and
             bornHost:string storeHost:string storeTimestamp:long, body: the reply's, maybe compressed
  response = code 0: taken; anything else fails the send of the reply

  Hosts are ip:port, IPv6 without brackets. The properties of the reply name its request.
*/

/** The header of a reply that is passed on. */
export const pushReplyMessageHeader = defineHeader("PUSH_REPLY_MESSAGE_TO_CLIENT request", {
  producerGroup: "string",
  topic: "string",
  defaultTopic: "string",
  defaultTopicQueueNums: "int",
  queueId: "int",
  sysFlag: "int",
  bornTimestamp: "long",
  flag: "int",
  properties: "string?",
  reconsumeTimes: "int?",
  unitMode: "boolean?",
  bornHost: "string",
  storeHost: "string",
  storeTimestamp: "long",
});

/** The fields of a reply that is passed on. */
export type PushReplyMessageHeader = HeaderFields<typeof pushReplyMessageHeader>;

/** Reads the header of a reply that is passed on. @throws {ProtocolError} */
export function readPushReplyMessageRequest(
  request: RemotingCommand,
  context?: HeaderContext,
): PushReplyMessageHeader {
  return pushReplyMessageHeader.decode(request.extFields, context);
}
