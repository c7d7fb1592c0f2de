import { checkCount, checkTime } from "../checks.ts";
import type { Deadline } from "../clock.ts";
import { BrokerResponseError, ConnectionError, InvalidArgumentError } from "../errors.ts";
import type { MessageQueue } from "../message/mod.ts";
import { ResponseCode } from "../remoting/mod.ts";
import { isTransientRefusal, type SendKind } from "../requests/mod.ts";
import type { TopicRoute } from "../route/mod.ts";
import type { SendReceipt } from "./send_result.ts";

/** Chooses a queue when the route is known: a queue that was named, or a selector. */
export type QueueChoice = (route: TopicRoute) => MessageQueue;

/** Bounds one send, or another call that asks brokers for something. */
export interface SendBounds {
  /** When it must be over. */
  readonly deadline: Deadline;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
  /** Chooses the queue. Without it a sharding key does, or the next queue is taken. */
  readonly choose?: QueueChoice | undefined;
}

/** Decides how a message is sent: the same for every message of one kind. */
export interface SendPolicy {
  /** Kind of the send, for hooks, spans and traces. */
  readonly kind: SendKind;
  /** Waits for the answer of the broker if `true`. */
  readonly awaitAnswer: boolean;
  /** Attempts after the first one; `Infinity`: as many as fit before the deadline. */
  readonly retries: number;
  /**
   * Sends it again even if a broker may have stored it: a byte of it was written and no answer came.
   * If `false`, only what surely was not stored is sent again.
   */
  readonly resendAfterWrite: boolean;
  /** Response codes after which it is sent again; without them, {@linkcode isTransientRefusal} decides. */
  readonly retryCodes?: ReadonlySet<number>;
  /** Tries another broker when one has stored the message less safely than asked. */
  readonly retryOnStoreNotOk?: boolean;
  /** Milliseconds for each attempt but the last; without it, attempts share the time. */
  readonly timeoutPerTry?: number | undefined;
  /**
   * Least milliseconds that must be left for an answer, of a short timeout at most a tenth. With less,
   * no attempt begins, and the last refusal is the answer: a message that left in the last moment would
   * be stored, and nobody would know.
   */
  readonly minTimeForAnswer: number;
}

/** Says how sends are tried again. Transactional messages have rules of their own. */
export interface RetryOptions {
  /**
   * How often a send is tried again, on another broker where there is one, and immediately; on a broker
   * that is busy after a pause of up to 100 ms, 200 ms, 400 ms, and then of up to 500 ms.
   *
   * @default {2}
   */
  retries?: number;
  /**
   * Response codes after which a send is tried again.
   *
   * @default {DEFAULT_RETRY_CODES} those of the Java client and 215 (flow control): 1, 2, 14, 16, 17, 204, 205, 215, 1500
   */
  retryCodes?: Iterable<number>;
  /**
   * Tries another broker when a send was stored, but not as safely as the brokers are set up for
   * (`sendStatus` is not `SEND_OK`). The message is stored twice then.
   *
   * @default {false}
   */
  retryOnStoreNotOk?: boolean;
  /**
   * Milliseconds for each attempt but the last one, which may take what is left of `sendTimeout`. It
   * counts for a chosen queue, too, which otherwise has the whole time for its first attempt.
   *
   * @default {attempts at several brokers share what is left of sendTimeout}
   */
  sendTimeoutPerTry?: number;
}

/** Decides how messages are sent whose answer is awaited. */
export type AnsweredPolicy = SendPolicy & { readonly awaitAnswer: true };

/** The receipt of a send: there is one if the policy awaits the answer. */
export type ReceiptOf<P extends SendPolicy> = P extends AnsweredPolicy ? SendReceipt
  : SendReceipt | undefined;

/** Response codes after which another broker may take the message: those of the Java client, and 215. */
export const DEFAULT_RETRY_CODES: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.NO_PERMISSION,
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.FLOW_CONTROL,
  ResponseCode.GO_AWAY,
]);

/** Least milliseconds for the answer to a send. */
const MIN_TIME_FOR_ANSWER = 100;

/** Sends a message that nobody waits for. Brokers that can't be reached are passed over. */
export const ONE_WAY: SendPolicy = {
  kind: "oneway",
  awaitAnswer: false,
  retries: Infinity,
  resendAfterWrite: false,
  minTimeForAnswer: 10,
};

/** Checks the options and adds the defaults. @throws {InvalidArgumentError} */
export function resolveRetryPolicy(options: RetryOptions): AnsweredPolicy {
  const { retryOnStoreNotOk = false, sendTimeoutPerTry } = options;
  if (typeof retryOnStoreNotOk !== "boolean") {
    throw new InvalidArgumentError("Cannot use option retryOnStoreNotOk: it must be true or false");
  }
  if (sendTimeoutPerTry !== undefined) checkTime("sendTimeoutPerTry", sendTimeoutPerTry, 0);
  return {
    kind: "send",
    awaitAnswer: true,
    retries: checkCount("retries", options.retries, { fallback: 2, min: 0, max: 16 }),
    resendAfterWrite: true,
    retryCodes: checkRetryCodes(options.retryCodes),
    retryOnStoreNotOk,
    timeoutPerTry: sendTimeoutPerTry,
    minTimeForAnswer: MIN_TIME_FOR_ANSWER,
  };
}

/** Reports whether an attempt at another broker, or another attempt, may help and can do no harm. */
export function mayRetry(error: unknown, policy: SendPolicy): boolean {
  if (error instanceof ConnectionError) {
    if (error.code === "OVERLOADED" || error.code === "ABORTED") return false;
    return policy.resendAfterWrite || !error.written;
  }
  const { retryCodes } = policy;
  if (retryCodes === undefined) return isTransientRefusal(error);
  return error instanceof BrokerResponseError && retryCodes.has(error.responseCode);
}

/** An attempt did not begin, because too little time was left for its answer. Nothing was written. */
export class TooLateError extends ConnectionError {}

/** Least milliseconds with which an attempt may begin. */
export function leastTime({ deadline }: SendBounds, { minTimeForAnswer }: SendPolicy): number {
  return Math.min(minTimeForAnswer, deadline.timeout / 10);
}

function checkRetryCodes(codes: Iterable<number> | undefined): ReadonlySet<number> {
  if (codes === undefined) return DEFAULT_RETRY_CODES;
  const set = new Set(codes);
  for (const code of set) checkCount("retryCodes", code, { min: 1, max: 2 ** 31 - 1 });
  return set;
}
