import { type RemotingCommand, type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { readOffsetResponse } from "./offset_response.ts";
import type { ResponseContext } from "./response.ts";

/*
  SEARCH_OFFSET_BY_TIMESTAMP (29), to a broker

  request  = topic:string queueId:int timestamp:long [boundaryType: LOWER | UPPER] [bname:string]
  response = code 0 offset:long
*/

/** The header of a search by time. */
export const searchOffsetHeader = defineHeader("SEARCH_OFFSET_BY_TIMESTAMP request", {
  topic: "string",
  queueId: "uint",
  timestamp: "long",
  boundaryType: "string?",
  bname: "string?",
});

/** The fields of a search by time; `timestamp` in milliseconds since 1970. */
export type SearchOffsetHeader = HeaderFields<typeof searchOffsetHeader>;

/** Asks which message of a queue was stored at a time. */
export function createSearchOffsetRequest(header: SearchOffsetHeader): RemotingRequest {
  return {
    code: RequestCode.SEARCH_OFFSET_BY_TIMESTAMP,
    extFields: searchOffsetHeader.encode(header),
  };
}

/**
 * Reads the offset of the message that was found.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 * @throws {ProtocolError} when the offset is missing.
 */
export function readSearchOffsetResponse(
  response: RemotingCommand,
  context: ResponseContext,
): bigint {
  return readOffsetResponse(response, "search a queue by time", context);
}
