import {
  type RemotingCommand,
  type RemotingRequest,
  RequestCode,
  ResponseCode,
} from "../remoting/mod.ts";
import { defineHeader, type HeaderFields, requestMaker } from "./header.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";

/*
  RECALL_MESSAGE (370), to the master of the broker that keeps the timer message

  request  = [producerGroup:string] topic:string recallHandle:string [bname:string]
  response = code 0, msgId:string (UNIQ_KEY of the message that was recalled)
           | code 604: bad handle, another topic or broker, or too late
           | code 3: the broker is older than 5.3.2
           | code 16: recallMessageEnable is off, which is the default
*/

/** The header of a recall. */
export const recallMessageHeader = defineHeader("RECALL_MESSAGE request", {
  producerGroup: "string?",
  topic: "string",
  recallHandle: "string",
  bname: "string?",
});

/** The fields of a recall. */
export type RecallMessageHeader = HeaderFields<typeof recallMessageHeader>;

/** The header of the answer to a recall. */
export const recallMessageResponseHeader = defineHeader("RECALL_MESSAGE response", {
  msgId: "string",
});

/** Makes a request that recalls a timer message. */
export const createRecallMessageRequest: (fields: RecallMessageHeader) => RemotingRequest =
  requestMaker(
    RequestCode.RECALL_MESSAGE,
    recallMessageHeader,
  );

/**
 * Reads the unique key of the message that was recalled.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 */
export function readRecallMessageResponse(
  response: RemotingCommand,
  context: ResponseContext,
): string {
  checkSuccess(response, context, {
    what: "recall a message",
    remedies: {
      [ResponseCode.REQUEST_CODE_NOT_SUPPORTED]:
        "the broker can't recall messages, version 5.3.2 or later can",
      [ResponseCode.ILLEGAL_OPERATION]:
        "the handle is of another topic or broker, or the message was due already",
      [ResponseCode.NO_PERMISSION]:
        "set recallMessageEnable=true on the broker, and check access key and permissions",
    },
    actions: ["PUB"],
  });
  return recallMessageResponseHeader.decode(response.extFields, context).msgId;
}
