import { type RemotingCommand, type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";

/*
  UPDATE_CONSUMER_OFFSET (15), to a broker

  request  = consumerGroup:string topic:string queueId:int commitOffset:long [bname:string]
  response = code 0 | 26: no such group | 17 | 29
*/

/** The header that stores a group's progress. */
export const updateConsumerOffsetHeader = defineHeader("UPDATE_CONSUMER_OFFSET request", {
  consumerGroup: "string",
  topic: "string",
  queueId: "uint",
  commitOffset: "offset",
  bname: "string?",
});

/** The fields that store a group's progress. */
export type UpdateConsumerOffsetHeader = HeaderFields<typeof updateConsumerOffsetHeader>;

/** Stores how far a group has read a queue. */
export function createUpdateConsumerOffsetRequest(
  header: UpdateConsumerOffsetHeader,
): RemotingRequest {
  return {
    code: RequestCode.UPDATE_CONSUMER_OFFSET,
    extFields: updateConsumerOffsetHeader.encode(header),
  };
}

/**
 * Reads the answer to a stored progress.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 */
export function readUpdateConsumerOffsetResponse(
  response: RemotingCommand,
  context: ResponseContext,
): void {
  checkSuccess(response, "store the progress of a group", context);
}
