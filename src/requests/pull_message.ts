import {
  type RemotingCommand,
  type RemotingRequest,
  RequestCode,
  ResponseCode,
} from "../remoting/mod.ts";
import { defineHeader, type HeaderFields } from "./header.ts";
import { refusal, type ResponseContext } from "./response.ts";

/*
  PULL_MESSAGE (11), to a broker

  request  = the fields below
  response = code 0: found, body: stored messages one after another
           | code 19: nothing there yet | 20: nothing matched, go on at nextBeginOffset
           | code 21: the offset is outside the queue, go on at nextBeginOffset
             suggestWhichBrokerId:long nextBeginOffset:long minOffset:long maxOffset:long
             [topicSysFlag:int] [groupSysFlag:int]
           | 26: no such group | 24, 25: no such subscription | 17 | 16 | 2
*/

/** Bits of a pull's `sysFlag`. */
export const PullSysFlag = {
  /** Store `commitOffset` as the consumer offset of the group. */
  COMMIT_OFFSET: 1,
  /** Wait up to `suspendTimeoutMillis` for a message. */
  SUSPEND: 2,
  /** The request carries its subscription, so it needs no heartbeat of a consumer. */
  SUBSCRIPTION: 4,
} as const;

/** The header of a pull. */
export const pullMessageHeader = defineHeader("PULL_MESSAGE request", {
  consumerGroup: "string",
  topic: "string",
  queueId: "uint",
  queueOffset: "long",
  maxMsgNums: "uint",
  sysFlag: "int",
  commitOffset: "long",
  suspendTimeoutMillis: "long",
  subVersion: "long",
  subscription: "string?",
  expressionType: "string?",
  maxMsgBytes: "uint?",
  bname: "string?",
});

/** The fields of a pull. */
export type PullMessageHeader = HeaderFields<typeof pullMessageHeader>;

/** The header of the answer to a pull. */
export const pullMessageResponseHeader = defineHeader("PULL_MESSAGE response", {
  suggestWhichBrokerId: "long",
  nextBeginOffset: "offset",
  minOffset: "long",
  maxOffset: "long",
  topicSysFlag: "int?",
  groupSysFlag: "int?",
});

/** The outcome of a pull. */
export type PullStatus = "FOUND" | "NOT_FOUND" | "RETRY_IMMEDIATELY" | "OFFSET_MOVED";

/** The answer to a pull. */
export interface PullMessageResponse {
  /** The outcome. */
  status: PullStatus;
  /** `true` if an operator reset the offset of the group, which is why it moved. */
  isReset: boolean;
  /** Offset at which the next pull begins. */
  nextBeginOffset: bigint;
  /** Offset of the first message that the queue still has. */
  minOffset: bigint;
  /** Offset that the next message of the queue will get. */
  maxOffset: bigint;
  /** Id of the broker to pull from next time. */
  suggestWhichBrokerId: bigint;
  /** Stored messages one after another. Empty unless `FOUND`. */
  body: Uint8Array;
}

const STATUSES: Readonly<Record<number, PullStatus>> = {
  [ResponseCode.SUCCESS]: "FOUND",
  [ResponseCode.PULL_NOT_FOUND]: "NOT_FOUND",
  [ResponseCode.PULL_RETRY_IMMEDIATELY]: "RETRY_IMMEDIATELY",
  [ResponseCode.PULL_OFFSET_MOVED]: "OFFSET_MOVED",
};

/** The remark of a broker that an operator told another offset of the group. */
const OFFSET_RESET = "OFFSET_RESET";

/** The defaults of a pull: 32 messages of any tag, without waiting for one. */
const DEFAULTS = {
  maxMsgNums: 32,
  sysFlag: PullSysFlag.SUBSCRIPTION,
  commitOffset: 0n,
  suspendTimeoutMillis: 0n,
  subVersion: 0n,
  subscription: "*",
  expressionType: "TAG",
} satisfies Partial<PullMessageHeader>;

/** The fields of a pull. Most have defaults: 32 messages of any tag, without waiting. */
export type PullMessageFields =
  & Pick<PullMessageHeader, "consumerGroup" | "topic" | "queueId" | "queueOffset">
  & Partial<PullMessageHeader>;

/** Makes a request for messages of one queue. */
export function createPullMessageRequest(fields: PullMessageFields): RemotingRequest {
  return {
    code: RequestCode.PULL_MESSAGE,
    extFields: pullMessageHeader.encode({ ...DEFAULTS, ...fields }),
  };
}

/**
 * Reads the answer to a pull.
 *
 * @throws {BrokerResponseError} when the broker refuses.
 * @throws {ProtocolError} when an offset is missing.
 */
export function readPullMessageResponse(
  response: RemotingCommand,
  context: ResponseContext,
): PullMessageResponse {
  const status = Object.hasOwn(STATUSES, response.code) ? STATUSES[response.code] : undefined;
  if (status === undefined) {
    throw refusal(response, context, { what: "pull messages", actions: ["SUB"] });
  }
  const header = pullMessageResponseHeader.decode(response.extFields, context);
  return {
    status,
    isReset: status === "OFFSET_MOVED" && response.remark === OFFSET_RESET,
    nextBeginOffset: header.nextBeginOffset,
    minOffset: header.minOffset,
    maxOffset: header.maxOffset,
    suggestWhichBrokerId: header.suggestWhichBrokerId,
    body: response.body,
  };
}
