import {
  type RemotingCommand,
  type RemotingRequest,
  RequestCode,
  ResponseCode,
} from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { PreparedHeaders } from "./prepared_request.ts";
import { checkSuccess, type Remedies, type ResponseContext } from "./response.ts";

/*
  END_TRANSACTION (37), to the broker that holds the half message

  request  = the fields below, remark: why the verdict is unknown
  response = code 0 | 1: group or offset wrong | 2 | 11: a slave | 13 | 14 | 16
           | 604: later than CHECK_IMMUNITY_TIME_IN_SECONDS allows
           | none at all: one-way, or commitOrRollback is 0

  The broker finds the half message by its two offsets and checks the group; msgId, transactionId
  and topic only matter to a proxy. It does not notice a second commit: each one that it answers
  with 0 makes one more visible message.
*/

/** The verdict over a half message. */
export const CommitOrRollback = {
  /** Not known yet: the broker asks again. It is not answered, so it goes one-way. */
  Unknown: 0,
  /** Make it visible. */
  Commit: 8,
  /** Drop it. */
  Rollback: 12,
} as const;

/** One of the verdicts. */
export type CommitOrRollback = typeof CommitOrRollback[keyof typeof CommitOrRollback];

/** The header of a verdict. */
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

/** The fields of a verdict. */
export type EndTransactionHeader = HeaderFields<typeof endTransactionHeader>;

/** What a broker remarks when it does not find the half message; code 1 has other reasons, too. */
const NOT_FOUND = /prepared transaction message|group wrong|offset wrong/i;

const REMEDIES: Remedies = {
  [ResponseCode.SYSTEM_ERROR]: (remark) =>
    NOT_FOUND.test(remark)
      ? "the half message was not found under this group and these offsets"
      : undefined,
  [ResponseCode.SLAVE_NOT_AVAILABLE]: "it is a slave now, the verdict belongs to its master",
  [ResponseCode.ILLEGAL_OPERATION]:
    "the verdict came later than CHECK_IMMUNITY_TIME_IN_SECONDS allows, the next check-back takes it",
};

/**
 * Commits or rolls back a half message, or says that the verdict is not known yet.
 *
 * @param remark Why it is not known; one line of at most 512 characters.
 */
export function createEndTransactionRequest(
  header: EndTransactionHeader & { commitOrRollback: CommitOrRollback },
  remark?: string,
): RemotingRequest {
  const request: RemotingRequest = {
    code: RequestCode.END_TRANSACTION,
    extFields: endTransactionHeader.encode(header),
  };
  if (remark !== undefined) request.remark = remark;
  return request;
}

/** The fields that differ between two verdicts of a producer on messages of one topic. */
export type EndTransactionVarying = Required<Omit<EndTransactionHeader, "producerGroup" | "topic">>;

/** The headers of a producer's verdicts, by topic. */
export function prepareEndTransactionHeaders(
  producerGroup: string,
): PreparedHeaders<EndTransactionVarying> {
  return new PreparedHeaders((topic) => endTransactionHeader.prepare({ producerGroup, topic }));
}

/**
 * Reads the answer to a commit or rollback.
 *
 * @throws {BrokerResponseError} when the broker did not take the verdict.
 */
export function readEndTransactionResponse(
  response: RemotingCommand,
  context: ResponseContext,
): void {
  checkSuccess(response, "end a transaction", context, { remedies: REMEDIES, actions: ["PUB"] });
}
