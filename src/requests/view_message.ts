import { type RemotingCommand, type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";

/*
  VIEW_MESSAGE_BY_ID (33), to a broker

  request  = offset:long [topic:string]
  response = code 0, body: what is stored there; no body where no message begins
           | code 1: nothing is

  offset is that in the commit log.
*/

/** The header of a look at one record. */
export const viewMessageHeader = defineHeader("VIEW_MESSAGE_BY_ID request", {
  offset: "offset",
  topic: "string?",
});

/** The fields of a look at one record. */
export type ViewMessageHeader = HeaderFields<typeof viewMessageHeader>;

/** Asks for the record at an offset of the commit log. */
export function createViewMessageRequest(header: ViewMessageHeader): RemotingRequest {
  return { code: RequestCode.VIEW_MESSAGE_BY_ID, extFields: viewMessageHeader.encode(header) };
}

/**
 * Reads the bytes of the record: one stored message, or none when no message begins there.
 *
 * @throws {BrokerResponseError} when the broker has nothing at that offset.
 */
export function readViewMessageResponse(
  response: RemotingCommand,
  context: ResponseContext,
): Uint8Array {
  checkSuccess(response, "view a message", context, { actions: ["GET"] });
  return response.body;
}
