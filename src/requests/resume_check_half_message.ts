import { type RemotingCommand, type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";

/*
  RESUME_CHECK_HALF_MESSAGE (323), to the broker that gave up a half message

  request  = [topic:string] [msgId:string]: the offset id of the record
  response = code 0: it is a half message again, its check count is 0 | code 1
*/

/** The header that resumes the checks. */
export const resumeCheckHalfMessageHeader = defineHeader("RESUME_CHECK_HALF_MESSAGE request", {
  topic: "string?",
  msgId: "string?",
});

/** The fields that resume the checks; `msgId` is the offset id of the record that was given up. */
export type ResumeCheckHalfMessageHeader = HeaderFields<typeof resumeCheckHalfMessageHeader>;

/** Makes a broker ask again for the verdict over a half message that it had given up. */
export function createResumeCheckHalfMessageRequest(
  header: ResumeCheckHalfMessageHeader,
): RemotingRequest {
  return {
    code: RequestCode.RESUME_CHECK_HALF_MESSAGE,
    extFields: resumeCheckHalfMessageHeader.encode(header),
  };
}

/**
 * Reads the answer to a resumption.
 *
 * @throws {BrokerResponseError} when the broker did not find the record.
 */
export function readResumeCheckHalfMessageResponse(
  response: RemotingCommand,
  context: ResponseContext,
): void {
  checkSuccess(response, "resume the checks of a half message", context, { actions: ["UPDATE"] });
}
