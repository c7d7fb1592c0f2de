import { describe, InvalidStateError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { CheckBack } from "./check_back.ts";
import type { CheckQueue } from "./check_queue.ts";
import { isLocalTransactionState } from "./local_transaction_state.ts";
import type { TransactionListener } from "./transaction_listener.ts";

/** Answers check-backs; part of a {@linkcode TransactionListener}. */
export type CheckListener = NonNullable<TransactionListener["checkLocalTransaction"]>;

/**
 * Drives the check-backs into a listener, at most `concurrency` at a time, until they end. A
 * check-back whose time is over gives its place to another, whether the listener ends or not.
 */
export async function pumpChecks(
  checks: CheckQueue,
  listener: CheckListener,
  concurrency: number,
  logger: Logger,
): Promise<void> {
  for await (const check of checks) {
    askListener(check, listener).catch((error) => {
      if (error instanceof InvalidStateError) {
        logger.debug(`A verdict came too late and was thrown away: ${describe(error)}`);
      } else logger.error(`Cannot answer a check-back: ${describe(error)}`);
    });
    await checks.whenBelow(concurrency);
  }
}

async function askListener(check: CheckBack, listener: CheckListener): Promise<void> {
  let state: unknown, cause: unknown;
  try {
    state = await listener(check.message, check);
    if (!isLocalTransactionState(state)) {
      cause = notAState("checkLocalTransaction", state);
    }
  } catch (error) {
    cause = error ?? new Error("the listener threw nothing");
  }
  await check.answer(
    cause === undefined && isLocalTransactionState(state) ? state : "UNKNOWN",
    cause,
  );
}

/** What is wrong with something that a listener returned instead of a state. */
export function notAState(source: string, value: unknown): TypeError {
  const shown = typeof value === "string"
    ? "a string"
    : typeof value === "object" && value
    ? "an object"
    : String(value);
  return new TypeError(
    `Cannot use what ${source} returned: it is ${shown}, a LocalTransactionState is allowed`,
  );
}
