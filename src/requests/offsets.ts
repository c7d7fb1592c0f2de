import {
  type RemotingCommand,
  type RemotingRequest,
  RequestCode,
  ResponseCode,
} from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";

/** The header of the answers that are one offset; a queue that never existed may have -1. */
export const offsetResponseHeader = defineHeader("offset response", { offset: "long" });

/** Reads an answer that is one offset. */
export function readOffsetResponse(
  response: RemotingCommand,
  what: string,
  context: ResponseContext,
): bigint {
  checkSuccess(response, context, { what, actions: ["GET"] });
  return offsetResponseHeader.decode(response.extFields, context).offset;
}

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
  return readOffsetResponse(response, "get a consumer offset", context);
}

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
  checkSuccess(response, context, { what: "store a consumer offset" });
}
