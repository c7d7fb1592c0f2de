import { ConnectionError, describe } from "../errors.ts";

/** Why there is no registered connection to a broker. */
export interface LinkFailure {
  /** Name of the broker. */
  brokerName: string;
  /** Its address as it is dialled. */
  address: string;
  /** Whether time was over or the caller gave up. */
  failure: "TIMEOUT" | "ABORTED";
  /** The milliseconds that were waited. */
  timeout: number;
  /** Why the try that was waited for failed. */
  cause?: unknown;
  /** Why the last try before failed. */
  lastError?: unknown;
}

/** The error of who waits for a link in vain, with the remedy. */
export function linkFailure(
  { brokerName, address, failure, timeout, cause, lastError }: LinkFailure,
): ConnectionError {
  const known = cause ?? lastError;
  const why = known === undefined ? "" : `: ${describe(known)}`;
  const reason = failure === "ABORTED"
    ? "the caller aborted it"
    : cause === undefined
    ? `no registered connection within ${Math.round(timeout)} ms${why}`
    : describe(cause);
  return new ConnectionError(
    failure === "ABORTED" ? "ABORTED" : "CONNECT_FAILED",
    `Cannot reach broker "${brokerName}" at ${address}: ${reason}. ` +
      "If the name server gave a wrong address, set brokerIP1 on the broker or addressMap here",
    {
      address,
      brokerName,
      isRetriable: failure !== "ABORTED" && !isFinal(cause),
      ...(known === undefined ? {} : { cause: known }),
    },
  );
}

/** Whether trying again is useless: this program lacks the permission to connect. */
export function isFinal(error: unknown): boolean {
  return error instanceof ConnectionError && error.code === "CONNECT_FAILED" && !error.isRetriable;
}
