import {
  type RemotingCommand,
  type RemotingRequest,
  RequestCode,
  ResponseCode,
} from "../remoting/mod.ts";
import { defineHeader, type HeaderFields, requestMaker } from "./header.ts";
import { type Asked, checkSuccess, type ResponseContext } from "./response.ts";

/** The header of answers that are one offset. A queue that never existed may have -1. */
export const offsetResponseHeader = defineHeader("offset response", { offset: "long" });

/**
 * Reads an answer that is one offset.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 * @throws {ProtocolError} when the offset is missing.
 */
type ReadOffset = (response: RemotingCommand, context: ResponseContext) => bigint;

/** Makes a reader of answers that are one offset. */
function offsetReader(what: string): ReadOffset {
  const asked: Asked = { what, actions: ["GET"] };
  return (response, context) => {
    checkSuccess(response, context, asked);
    return offsetResponseHeader.decode(response.extFields, context).offset;
  };
}

/*
  GET_MAX_OFFSET (30), to a broker

  request  = topic:string queueId:int [committed:boolean] [bname:string]
  response = code 0 offset:long

  The offset is the one that the next message will get. A topic that does not exist has 0.
*/

/** The header of a request for the end of a queue. */
export const getMaxOffsetHeader = defineHeader("GET_MAX_OFFSET request", {
  topic: "string",
  queueId: "uint",
  committed: "boolean?",
  bname: "string?",
});

/** The fields of a request for the end of a queue. */
export type GetMaxOffsetHeader = HeaderFields<typeof getMaxOffsetHeader>;

/** Makes a request for the end of a queue. */
export const createGetMaxOffsetRequest: (fields: GetMaxOffsetHeader) => RemotingRequest =
  requestMaker(
    RequestCode.GET_MAX_OFFSET,
    getMaxOffsetHeader,
  );

/** Reads the offset that the next message of the queue will get. */
export const readGetMaxOffsetResponse: ReadOffset = offsetReader("get the end of a queue");

/*
  GET_MIN_OFFSET (31), to a broker

  request  = topic:string queueId:int [bname:string]
  response = code 0 offset:long
*/

/** The header of a request for the beginning of a queue. */
export const getMinOffsetHeader = defineHeader("GET_MIN_OFFSET request", {
  topic: "string",
  queueId: "uint",
  bname: "string?",
});

/** The fields of a request for the beginning of a queue. */
export type GetMinOffsetHeader = HeaderFields<typeof getMinOffsetHeader>;

/** Makes a request for the beginning of a queue. */
export const createGetMinOffsetRequest: (fields: GetMinOffsetHeader) => RemotingRequest =
  requestMaker(
    RequestCode.GET_MIN_OFFSET,
    getMinOffsetHeader,
  );

/** Reads the offset of the first message that the queue still has. */
export const readGetMinOffsetResponse: ReadOffset = offsetReader("get the beginning of a queue");

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

/** The fields of a search by time. `timestamp` is in milliseconds since 1970. */
export type SearchOffsetHeader = HeaderFields<typeof searchOffsetHeader>;

/** Makes a request for the message of a queue that was stored at a time. */
export const createSearchOffsetRequest: (fields: SearchOffsetHeader) => RemotingRequest =
  requestMaker(
    RequestCode.SEARCH_OFFSET_BY_TIMESTAMP,
    searchOffsetHeader,
  );

/** Reads the offset of the message that was found. */
export const readSearchOffsetResponse: ReadOffset = offsetReader("search a queue by time");

/*
  QUERY_CONSUMER_OFFSET (14), to a broker

  request  = consumerGroup:string topic:string queueId:int [setZeroIfNotFound:boolean] [bname:string]
  response = code 0 offset:long | code 22: the group has no offset there
*/

/** The header of a request for a consumer offset. */
export const queryConsumerOffsetHeader = defineHeader("QUERY_CONSUMER_OFFSET request", {
  consumerGroup: "string",
  topic: "string",
  queueId: "uint",
  setZeroIfNotFound: "boolean?",
  bname: "string?",
});

/** The fields of a request for a consumer offset. */
export type QueryConsumerOffsetHeader = HeaderFields<typeof queryConsumerOffsetHeader>;

/** Makes a request for the offset up to which a group has read a queue. */
export const createQueryConsumerOffsetRequest: (
  fields: QueryConsumerOffsetHeader,
) => RemotingRequest = requestMaker(
  RequestCode.QUERY_CONSUMER_OFFSET,
  queryConsumerOffsetHeader,
);

const readConsumerOffset = offsetReader("get a consumer offset");

/**
 * Reads the offset of the next message that the group will read. Returns undefined if it has none.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 * @throws {ProtocolError} when the offset is missing.
 */
export function readQueryConsumerOffsetResponse(
  response: RemotingCommand,
  context: ResponseContext,
): bigint | undefined {
  if (response.code === ResponseCode.QUERY_NOT_FOUND) return undefined;
  return readConsumerOffset(response, context);
}

/*
  UPDATE_CONSUMER_OFFSET (15), to a broker

  request  = consumerGroup:string topic:string queueId:int commitOffset:long [bname:string]
  response = code 0 | 26: no such group | 17 | 29
*/

/** The header that stores a consumer offset. */
export const updateConsumerOffsetHeader = defineHeader("UPDATE_CONSUMER_OFFSET request", {
  consumerGroup: "string",
  topic: "string",
  queueId: "uint",
  commitOffset: "offset",
  bname: "string?",
});

/** The fields that store a consumer offset. */
export type UpdateConsumerOffsetHeader = HeaderFields<typeof updateConsumerOffsetHeader>;

/** Makes a request that stores the offset up to which a group has read a queue. */
export const createUpdateConsumerOffsetRequest: (
  fields: UpdateConsumerOffsetHeader,
) => RemotingRequest = requestMaker(
  RequestCode.UPDATE_CONSUMER_OFFSET,
  updateConsumerOffsetHeader,
);

/**
 * Reads the answer to a stored consumer offset.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 */
export function readUpdateConsumerOffsetResponse(
  response: RemotingCommand,
  context: ResponseContext,
): void {
  checkSuccess(response, context, { what: "store a consumer offset" });
}
