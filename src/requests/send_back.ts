import { type RemotingCommand, type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import { defineHeader, type HeaderFields, requestMaker } from "./header.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";

/*
  CONSUMER_SEND_MSG_BACK (36), to the master of the broker that has the message

  request  = offset:long (in the commit log) group:string delayLevel:int [originMsgId:string]
             [originTopic:string] [unitMode:boolean] [maxReconsumeTimes:int] [bname:string]
  response = code 0: a delayed copy is in %RETRY%group, or one in %DLQ%group
           | code 1: the broker has no message there | 26: no such group

  The level 0 leaves the delay to the broker: level 3 for the first retry, one more for each further
  one. Sent twice it makes two copies.
*/

/** The delay level that puts a message into `%DLQ%group` immediately. */
export const DEAD_LETTER_LEVEL = -1;

/** The header of a message that is sent back. */
export const sendBackHeader = defineHeader("CONSUMER_SEND_MSG_BACK request", {
  offset: "offset",
  group: "string",
  delayLevel: "int",
  originMsgId: "string?",
  originTopic: "string?",
  unitMode: "boolean?",
  maxReconsumeTimes: "int?",
  bname: "string?",
});

/** The fields of a message that is sent back. */
export type SendBackHeader = HeaderFields<typeof sendBackHeader>;

/** Makes a request for a later delivery of a message, or for a dead letter. */
export const createSendBackRequest: (fields: SendBackHeader) => RemotingRequest = requestMaker(
  RequestCode.CONSUMER_SEND_MSG_BACK,
  sendBackHeader,
);

/** Reads the answer to a message that was sent back. @throws {BrokerResponseError} */
export function readSendBackResponse(response: RemotingCommand, context: ResponseContext): void {
  checkSuccess(response, context, { what: "send a message back", actions: ["SUB"] });
}
