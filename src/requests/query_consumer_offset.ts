import {
  type RemotingCommand,
  type RemotingRequest,
  RequestCode,
  ResponseCode,
} from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { readOffsetResponse } from "./offset_response.ts";
import type { ResponseContext } from "./response.ts";

/*
  QUERY_CONSUMER_OFFSET (14), to a broker

  request  = consumerGroup:string topic:string queueId:int [setZeroIfNotFound:boolean] [bname:string]
  response = code 0 offset:long | code 22: the group has no progress there
*/

/** The header of a question for a group's progress. */
export const queryConsumerOffsetHeader = defineHeader("QUERY_CONSUMER_OFFSET request", {
  consumerGroup: "string",
  topic: "string",
  queueId: "uint",
  setZeroIfNotFound: "boolean?",
  bname: "string?",
});

/** The fields of a question for a group's progress. */
export type QueryConsumerOffsetHeader = HeaderFields<typeof queryConsumerOffsetHeader>;

/** Asks how far a group has read a queue. */
export function createQueryConsumerOffsetRequest(
  header: QueryConsumerOffsetHeader,
): RemotingRequest {
  return {
    code: RequestCode.QUERY_CONSUMER_OFFSET,
    extFields: queryConsumerOffsetHeader.encode(header),
  };
}

/**
 * Reads the offset of the next message that the group will read; undefined when it has read none.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 * @throws {ProtocolError} when the offset is missing.
 */
export function readQueryConsumerOffsetResponse(
  response: RemotingCommand,
  context: ResponseContext,
): bigint | undefined {
  if (response.code === ResponseCode.QUERY_NOT_FOUND) return undefined;
  return readOffsetResponse(response, "get the progress of a group", context);
}
