import { type RemotingCommand, type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";

/*
  UNREGISTER_CLIENT (35), to a broker

  request  = clientID:string [producerGroup:string] [consumerGroup:string]
  response = code 0

  Takes the connection it is sent on out of the group: no more check-backs come over it.
*/

/** The header of a farewell. */
export const unregisterClientHeader = defineHeader("UNREGISTER_CLIENT request", {
  clientId: ["clientID", "string"],
  producerGroup: "string?",
  consumerGroup: "string?",
});

/** The fields of a farewell. */
export type UnregisterClientHeader = HeaderFields<typeof unregisterClientHeader>;

/** Tells a broker that this connection leaves a group. */
export function createUnregisterClientRequest(header: UnregisterClientHeader): RemotingRequest {
  return {
    code: RequestCode.UNREGISTER_CLIENT,
    extFields: unregisterClientHeader.encode(header),
  };
}

/**
 * Reads the answer to a farewell.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 */
export function readUnregisterClientResponse(
  response: RemotingCommand,
  context: ResponseContext,
): void {
  checkSuccess(response, "leave the group", context);
}
