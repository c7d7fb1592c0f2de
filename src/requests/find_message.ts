import {
  type RemotingCommand,
  type RemotingRequest,
  RequestCode,
  ResponseCode,
} from "../remoting/mod.ts";
import { defineHeader, type HeaderFields, requestMaker } from "./header.ts";
import { checkSuccess, NOT_SERVED_BY_PROXY, type ResponseContext } from "./response.ts";

/*
  VIEW_MESSAGE_BY_ID (33), to a broker

  request  = offset:long [topic:string]
  response = code 0, body: the record there; no body if no message begins there
           | code 1: nothing is there

  offset is that in the commit log.
*/

/** The header of a request for one record. */
export const viewMessageHeader = defineHeader("VIEW_MESSAGE_BY_ID request", {
  offset: "offset",
  topic: "string?",
});

/** The fields of a request for one record. */
export type ViewMessageHeader = HeaderFields<typeof viewMessageHeader>;

/** Makes a request for the record at an offset of the commit log. */
export const createViewMessageRequest: (fields: ViewMessageHeader) => RemotingRequest =
  requestMaker(
    RequestCode.VIEW_MESSAGE_BY_ID,
    viewMessageHeader,
  );

/**
 * Reads the bytes of the record: one stored message, or nothing if no message begins there.
 *
 * @throws {BrokerResponseError} when the broker has nothing at that offset.
 */
export function readViewMessageResponse(
  response: RemotingCommand,
  context: ResponseContext,
): Uint8Array {
  checkSuccess(response, context, {
    what: "view a message",
    actions: ["GET"],
    remedies: NOT_SERVED_BY_PROXY,
  });
  return response.body;
}

/*
  QUERY_MESSAGE (12), to a broker

  request  = topic:string key:string maxNum:int beginTimestamp:long endTimestamp:long
             [indexType: K | U | T] [lastKey:string] [_UNIQUE_KEY_QUERY:boolean]
  response = code 0, body: stored messages one after another
             [indexLastUpdateTimestamp:long] [indexLastUpdatePhyoffset:long]
           | code 22: none

  With indexType U the key is a UNIQ_KEY. It finds all messages of a transaction: in the half topic,
  in its own topic, or in the one for discarded half messages. Brokers before 5.x ignore indexType and
  find both kinds of keys.

  _UNIQUE_KEY_QUERY says the same in the official clients. Broker versions differ in whether they sign
  it (4.9.7 leaves it out), so this module does not send it.
*/

/** The header of a query by key. */
export const queryMessageHeader = defineHeader("QUERY_MESSAGE request", {
  topic: "string",
  key: "string",
  maxNum: "uint",
  beginTimestamp: "long",
  endTimestamp: "long",
  indexType: "string?",
  lastKey: "string?",
  uniqueKeyQuery: ["_UNIQUE_KEY_QUERY", "boolean?"],
});

/** The fields of a query by key. Times are in milliseconds since 1970. */
export type QueryMessageHeader = HeaderFields<typeof queryMessageHeader>;

/** The header of the answer to a query by key. */
export const queryMessageResponseHeader = defineHeader("QUERY_MESSAGE response", {
  indexLastUpdateTimestamp: "long?",
  indexLastUpdatePhyoffset: "long?",
});

/** The answer to a query by key. */
export type QueryMessageResponse = HeaderFields<typeof queryMessageResponseHeader> & {
  /** Stored messages one after another. May be empty. */
  body: Uint8Array;
};

/** Makes a request for the messages that have a key. */
export const createQueryMessageRequest: (fields: QueryMessageHeader) => RemotingRequest =
  requestMaker(
    RequestCode.QUERY_MESSAGE,
    queryMessageHeader,
  );

/**
 * Reads the messages that were found. There may be none.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 */
export function readQueryMessageResponse(
  response: RemotingCommand,
  context: ResponseContext,
): QueryMessageResponse {
  if (response.code !== ResponseCode.QUERY_NOT_FOUND) {
    checkSuccess(response, context, {
      what: "query messages by key",
      actions: ["SUB", "GET"],
      remedies: NOT_SERVED_BY_PROXY,
    });
  }
  return { ...queryMessageResponseHeader.decode(response.extFields, context), body: response.body };
}
