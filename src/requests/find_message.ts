import {
  type RemotingCommand,
  type RemotingRequest,
  RequestCode,
  ResponseCode,
} from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { checkSuccess, NOT_SERVED_BY_PROXY, type ResponseContext } from "./response.ts";

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
  const options = { actions: ["GET"], remedies: NOT_SERVED_BY_PROXY };
  checkSuccess(response, "view a message", context, options);
  return response.body;
}

/*
  QUERY_MESSAGE (12), to a broker

  request  = topic:string key:string maxNum:int beginTimestamp:long endTimestamp:long
             [indexType: K | U | T] [lastKey:string] [_UNIQUE_KEY_QUERY:boolean]
  response = code 0, body: stored messages one after another
             [indexLastUpdateTimestamp:long] [indexLastUpdatePhyoffset:long]
           | code 22: none

  With indexType U the key is a UNIQ_KEY: all copies of a transaction, in the half topic, in the
  real one, or in the one of those that were given up. Brokers before 5.x find both kinds of keys
  whatever it is.

  _UNIQUE_KEY_QUERY says the same in the official clients. Whether it belongs to what is signed
  differs between releases (4.9.7 leaves it out), so this module does not send it.
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

/** The fields of a query by key; times in milliseconds since 1970. */
export type QueryMessageHeader = HeaderFields<typeof queryMessageHeader>;

/** The header of the answer to a query by key. */
export const queryMessageResponseHeader = defineHeader("QUERY_MESSAGE response", {
  indexLastUpdateTimestamp: "long?",
  indexLastUpdatePhyoffset: "long?",
});

/** The answer to a query by key. */
export type QueryMessageResponse = HeaderFields<typeof queryMessageResponseHeader> & {
  /** Stored messages one after another; empty when there are none. */
  body: Uint8Array;
};

/** Asks for the messages that have a key. */
export function createQueryMessageRequest(header: QueryMessageHeader): RemotingRequest {
  return {
    code: RequestCode.QUERY_MESSAGE,
    extFields: queryMessageHeader.encode(header),
  };
}

/**
 * Reads the messages that were found, which may be none.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 */
export function readQueryMessageResponse(
  response: RemotingCommand,
  context: ResponseContext,
): QueryMessageResponse {
  if (response.code !== ResponseCode.QUERY_NOT_FOUND) {
    const options = { actions: ["SUB", "GET"], remedies: NOT_SERVED_BY_PROXY };
    checkSuccess(response, "query messages by key", context, options);
  }
  return { ...queryMessageResponseHeader.decode(response.extFields, context), body: response.body };
}
