import { checkCount, checkTime } from "../checks.ts";
import { ConnectionError, InvalidArgumentError } from "../errors.ts";
import { ResponseCode } from "../remoting/mod.ts";

/**
 * How sends are tried again. Nothing of this is about half messages: one that may have left is never
 * sent again, not even when its broker refused it, so that there is one at most.
 */
export interface RetryOptions {
  /**
   * How often a send is tried again, on another broker where there is one, and at once; on a broker
   * that has said that it is busy after a pause of up to 100 ms, 200 ms and so on up to a second.
   *
   * @default {2}
   */
  retries?: number;
  /**
   * Response codes after which a send is tried again.
   *
   * @default {DEFAULT_RETRY_CODES} those of the Java client: 1, 2, 14, 16, 17, 204, 205, 1500
   */
  retryCodes?: Iterable<number>;
  /**
   * Whether a send that was stored, but not as safely as the brokers are set up for (`sendStatus` is
   * not `SEND_OK`), is tried again on another broker. It is stored twice then.
   *
   * @default {false}
   */
  retryOnStoreNotOk?: boolean;
  /**
   * Milliseconds for each try but the last one, which may take what is left of `sendTimeout`. It
   * counts for a chosen queue, too, which otherwise has the whole time for its first try.
   *
   * @default {tries of several brokers share what is left of sendTimeout}
   */
  sendTimeoutPerTry?: number;
}

/** How often a send is tried again, and after what. */
export interface RetryPolicy {
  /** Tries after the first. */
  retries: number;
  /** Response codes after which it is tried again. */
  retryCodes: ReadonlySet<number>;
  /** Whether another broker is tried when one has stored the message, but not as safely as asked. */
  retryOnStoreNotOk: boolean;
  /** Milliseconds for each try but the last; without it tries share the time. */
  timeoutPerTry: number | undefined;
}

/** Response codes after which another broker may take the message: those of the Java client. */
export const DEFAULT_RETRY_CODES: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.NO_PERMISSION,
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.GO_AWAY,
]);

/** Whether a try of another broker, or another try, may help. */
export function mayRetry(error: unknown, retryCodes: ReadonlySet<number>): boolean {
  if (error instanceof ConnectionError) {
    return error.code !== "OVERLOADED" && error.code !== "ABORTED";
  }
  const { responseCode } = error as { responseCode?: number };
  return responseCode !== undefined && retryCodes.has(responseCode);
}

/** Checks the options and adds the defaults. @throws {InvalidArgumentError} */
export function resolveRetryPolicy(options: RetryOptions): RetryPolicy {
  const { retryOnStoreNotOk = false, sendTimeoutPerTry } = options;
  if (typeof retryOnStoreNotOk !== "boolean") {
    throw new InvalidArgumentError("Cannot use option retryOnStoreNotOk: it must be true or false");
  }
  if (sendTimeoutPerTry !== undefined) checkTime("sendTimeoutPerTry", sendTimeoutPerTry, 0);
  return {
    retries: checkCount("retries", options.retries, 2, 0, 16),
    retryCodes: checkRetryCodes(options.retryCodes),
    retryOnStoreNotOk,
    timeoutPerTry: sendTimeoutPerTry,
  };
}

function checkRetryCodes(codes: Iterable<number> | undefined): ReadonlySet<number> {
  if (codes === undefined) return DEFAULT_RETRY_CODES;
  const set = new Set(codes);
  for (const code of set) checkCount("retryCodes", code, 0, 1, 2 ** 31 - 1);
  return set;
}
