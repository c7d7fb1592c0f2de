import { describe, ProtocolError } from "../../errors.ts";
import { type RemotingCommand, ResponseCode } from "../../remoting/mod.ts";
import type { ServerConnection } from "./server_connection.ts";

/** What a server answers to a request. */
export interface Answer {
  /** Response code. @default {0} */
  code?: number | undefined;
  /** Free text; the reason of a refusal. */
  remark?: string | undefined;
  /** Header fields. */
  extFields?: Record<string, string>;
  /** Body. */
  body?: Uint8Array;
}

/** Carries out a request; what gives nothing is never answered. */
export type Handler = (
  request: RemotingCommand,
  connection: ServerConnection,
) => Answer | undefined | Promise<Answer | undefined>;

/** What a server carries out, by request code. */
export type Handlers = ReadonlyMap<number, Handler>;

/** Ends a request with a response code other than success. */
export class Refusal extends Error {
  /** Class name, also in minified code. */
  override name = "Refusal";
  /** The answer that it becomes. */
  readonly answer: Answer;

  constructor(code: ResponseCode, remark?: string, extFields: Record<string, string> = {}) {
    super(remark ?? `response code ${code}`);
    this.answer = { code, remark, extFields };
  }
}

/** The remark of answers for which a broker's code sets none. */
export const NO_REMARK_SET = "not set any response code";

/** The second line of some remarks. */
export const SEE_FAQ =
  "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";

/** The answer to a request that failed. A Java broker gives the exception and a line of its code. */
export function answerOfFailure(cause: unknown): Answer {
  if (cause instanceof Refusal) return cause.answer;
  if (cause instanceof ProtocolError) {
    return { code: ResponseCode.SYSTEM_ERROR, remark: cause.message };
  }
  const name = cause instanceof RangeError
    ? "java.lang.IllegalArgumentException"
    : "java.lang.RuntimeException";
  return { code: ResponseCode.SYSTEM_ERROR, remark: `${name}: ${describe(cause)}` };
}

/** The answer to a request that a server does not know. */
export function answerToUnknown(request: RemotingCommand): Answer {
  return {
    code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
    remark: ` request type ${request.code} not supported`,
  };
}
