import {
  type RemotingCommand,
  type RemotingRequest,
  RequestCode,
  ResponseCode,
} from "../remoting/mod.ts";
import {
  defineHeader,
  type HeaderContext,
  type HeaderFields,
  PreparedHeaders,
  requestMaker,
} from "./header.ts";
import { type Asked, checkSuccess, NOT_SERVED_BY_PROXY, type ResponseContext } from "./response.ts";

/*
  END_TRANSACTION (37), to the broker that holds the half message

  request  = the fields below, remark: the reason of an unknown state
  response = code 0 | 1: group or offset wrong | 2 | 11: a slave | 13 | 14 | 16
           | 604: later than CHECK_IMMUNITY_TIME_IN_SECONDS allows
           | none at all: one-way, or commitOrRollback is 0

  A proxy answers 0 at once, also to what it drops because it knows the half message from no
  check-back; what it knows it passes on one-way. It writes its region into each of its answers, a
  broker into those to sends only.

  The broker finds the half message by its two offsets and checks the group; msgId, transactionId
  and topic only matter to a proxy. It does not notice a second commit: each one that it answers
  with 0 makes one more visible message.
*/

/** What END_TRANSACTION says of a half message, as Java's transaction state. */
export const CommitOrRollback = {
  /** Not known yet: the broker checks back later. It is not answered, so it is sent one-way. */
  Unknown: 0,
  /** Make it visible. */
  Commit: 8,
  /** Drop it. */
  Rollback: 12,
} as const;

/** One of the values of {@linkcode CommitOrRollback}. */
export type CommitOrRollback = typeof CommitOrRollback[keyof typeof CommitOrRollback];

/** The END_TRANSACTION header. */
export const endTransactionHeader = defineHeader("END_TRANSACTION request", {
  producerGroup: "string",
  tranStateTableOffset: "offset",
  commitLogOffset: "offset",
  commitOrRollback: "int",
  fromTransactionCheck: "boolean?",
  msgId: "string?",
  transactionId: "string?",
  topic: "string?",
  bname: "string?",
});

/** The END_TRANSACTION fields. */
export type EndTransactionHeader = HeaderFields<typeof endTransactionHeader>;

/** Remarks of a broker that does not find the half message. Code 1 has other reasons, too. */
const NOT_FOUND = /prepared transaction message|group wrong|offset wrong/i;

/** The field of the answers to END_TRANSACTION that only proxies write. */
const PROXY_FIELD = "MSG_REGION";

const ENDING: Asked = {
  what: "end a transaction",
  remedies: {
    [ResponseCode.SYSTEM_ERROR]: (remark) =>
      NOT_FOUND.test(remark)
        ? "the half message was not found under this group and these offsets"
        : undefined,
    [ResponseCode.SLAVE_NOT_AVAILABLE]: "it is a slave now, the verdict belongs to its master",
    [ResponseCode.ILLEGAL_OPERATION]:
      "the verdict came later than CHECK_IMMUNITY_TIME_IN_SECONDS allows, the next check-back takes it",
  },
  actions: ["PUB"],
};

/** The fields that differ between two END_TRANSACTIONs of a producer for one topic. */
export type EndTransactionVarying = Required<Omit<EndTransactionHeader, "producerGroup" | "topic">>;

/** Prepares the END_TRANSACTION headers of a producer, by topic. */
export function prepareEndTransactionHeaders(
  producerGroup: string,
): PreparedHeaders<EndTransactionVarying> {
  return new PreparedHeaders((topic) => endTransactionHeader.prepare({ producerGroup, topic }));
}

/**
 * Reads the answer to a commit or rollback.
 *
 * @returns `true` if the broker itself says that it carried it out. The answer of a proxy proves nothing.
 * @throws {BrokerResponseError} when the broker refuses.
 */
export function readEndTransactionResponse(
  response: RemotingCommand,
  context: ResponseContext,
): boolean {
  checkSuccess(response, context, ENDING);
  return response.extFields[PROXY_FIELD] === undefined;
}

/*
  CHECK_TRANSACTION_STATE (39), from a broker to a producer, one-way

  request  = tranStateTableOffset:long commitLogOffset:long [msgId:string] [transactionId:string]
             [offsetMsgId:string] [topic:string] [bname:string], body: one stored message
  response = none: END_TRANSACTION is the answer

  Both offsets are those of the record of the half message that the broker has just written. They
  differ at every check. topic is the half topic, the user's is in the body.
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
 * Reads the header of a check-back. Its body is one stored message.
 *
 * @throws {ProtocolError} when an offset is missing, or not a decimal integer from 0 of 64 bits. Such a
 * check-back can't be answered.
 */
export function readCheckTransactionStateRequest(
  request: RemotingCommand,
  context?: HeaderContext,
): CheckTransactionStateHeader {
  return checkTransactionStateHeader.decode(request.extFields, context);
}

/*
  RESUME_CHECK_HALF_MESSAGE (323), to the broker that discarded a half message

  request  = [topic:string] [msgId:string]: the offset id of the record
  response = code 0: it is a half message again, its check count is 0 | code 1
*/

/** The header that resumes the checks. */
export const resumeCheckHalfMessageHeader = defineHeader("RESUME_CHECK_HALF_MESSAGE request", {
  topic: "string?",
  msgId: "string?",
});

/** The fields that resume the checks. `msgId` is the offset id of the discarded record. */
export type ResumeCheckHalfMessageHeader = HeaderFields<typeof resumeCheckHalfMessageHeader>;

/** Makes a request that puts a discarded half message back, so the broker checks back again. */
export const createResumeCheckHalfMessageRequest: (
  fields: ResumeCheckHalfMessageHeader,
) => RemotingRequest = requestMaker(
  RequestCode.RESUME_CHECK_HALF_MESSAGE,
  resumeCheckHalfMessageHeader,
);

/**
 * Reads the answer to a resumption.
 *
 * @throws {BrokerResponseError} when the broker did not find the record.
 */
export function readResumeCheckHalfMessageResponse(
  response: RemotingCommand,
  context: ResponseContext,
): void {
  checkSuccess(response, context, {
    what: "resume the checks of a half message",
    actions: ["UPDATE"],
    remedies: NOT_SERVED_BY_PROXY,
  });
}
