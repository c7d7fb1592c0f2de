import { type RemotingCommand, type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { readOffsetResponse } from "./offset_response.ts";
import type { ResponseContext } from "./response.ts";

/*
  GET_MIN_OFFSET (31), to a broker

  request  = topic:string queueId:int [bname:string]
  response = code 0 offset:long
*/

/** The header of a question for the beginning of a queue. */
export const getMinOffsetHeader = defineHeader("GET_MIN_OFFSET request", {
  topic: "string",
  queueId: "uint",
  bname: "string?",
});

/** The fields of a question for the beginning of a queue. */
export type GetMinOffsetHeader = HeaderFields<typeof getMinOffsetHeader>;

/** Asks where a queue begins. */
export function createGetMinOffsetRequest(header: GetMinOffsetHeader): RemotingRequest {
  return { code: RequestCode.GET_MIN_OFFSET, extFields: getMinOffsetHeader.encode(header) };
}

/**
 * Reads the offset of the first message that the queue still has.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 * @throws {ProtocolError} when the offset is missing.
 */
export function readGetMinOffsetResponse(
  response: RemotingCommand,
  context: ResponseContext,
): bigint {
  return readOffsetResponse(response, "get the beginning of a queue", context);
}
