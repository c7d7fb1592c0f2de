import { type RemotingCommand, type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { readOffsetResponse } from "./offset_response.ts";
import type { ResponseContext } from "./response.ts";

/*
  GET_MAX_OFFSET (30), to a broker

  request  = topic:string queueId:int [committed:boolean] [bname:string]
  response = code 0 offset:long

  The offset is the one that the next message will get. A topic that does not exist has 0.
*/

/** The header of a question for the end of a queue. */
export const getMaxOffsetHeader = defineHeader("GET_MAX_OFFSET request", {
  topic: "string",
  queueId: "uint",
  committed: "boolean?",
  bname: "string?",
});

/** The fields of a question for the end of a queue. */
export type GetMaxOffsetHeader = HeaderFields<typeof getMaxOffsetHeader>;

/** Asks where a queue ends. */
export function createGetMaxOffsetRequest(header: GetMaxOffsetHeader): RemotingRequest {
  return { code: RequestCode.GET_MAX_OFFSET, extFields: getMaxOffsetHeader.encode(header) };
}

/**
 * Reads the offset that the next message of the queue will get.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 * @throws {ProtocolError} when the offset is missing.
 */
export function readGetMaxOffsetResponse(
  response: RemotingCommand,
  context: ResponseContext,
): bigint {
  return readOffsetResponse(response, "get the end of a queue", context);
}
