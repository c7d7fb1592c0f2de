import { type RemotingCommand, type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import { defineHeader, type HeaderContext, type HeaderFields } from "./header.ts";

/*
  CHECK_TRANSACTION_STATE (39), from a broker to a producer, one-way

  request  = tranStateTableOffset:long commitLogOffset:long [msgId:string] [transactionId:string]
             [offsetMsgId:string] [topic:string] [bname:string], body: one stored message
  response = none; the verdict comes as END_TRANSACTION

  Both offsets are those of the copy of the half message that the broker has just written, and
  differ at every check. topic is the half topic; the user's is in the body.
*/

/** The header of a check-back. */
export const checkTransactionStateHeader = defineHeader("CHECK_TRANSACTION_STATE request", {
  tranStateTableOffset: "offset",
  commitLogOffset: "offset",
  msgId: "string?",
  transactionId: "string?",
  offsetMsgId: "string?",
  topic: "string?",
  bname: "string?",
});

/** The fields of a check-back. */
export type CheckTransactionStateHeader = HeaderFields<typeof checkTransactionStateHeader>;

/**
 * Reads the header of a check-back; its body is one stored message.
 *
 * @throws {ProtocolError} when an offset is missing or not a decimal integer of 64 bits that is
 * not negative: such a check-back can't be answered.
 */
export function readCheckTransactionStateRequest(
  request: RemotingCommand,
  context?: HeaderContext,
): CheckTransactionStateHeader {
  return checkTransactionStateHeader.decode(request.extFields, context);
}

/** Asks a producer for its verdict, as a broker does. */
export function createCheckTransactionStateRequest(
  header: CheckTransactionStateHeader,
  body: Uint8Array,
): RemotingRequest {
  return {
    code: RequestCode.CHECK_TRANSACTION_STATE,
    extFields: checkTransactionStateHeader.encode(header),
    body,
  };
}
