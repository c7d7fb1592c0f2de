import {
  type RemotingCommand,
  type RemotingRequest,
  RequestCode,
  ResponseCode,
} from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";

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
    checkSuccess(response, "query messages by key", context, { actions: ["SUB", "GET"] });
  }
  return { ...queryMessageResponseHeader.decode(response.extFields, context), body: response.body };
}
