import { Backoff } from "../backoff.ts";
import { type ClientInstance, Deadline } from "../client/mod.ts";
import { type Clock, sleep } from "../clock.ts";
import { BrokerResponseError, ConnectionError, InvalidStateError, printable } from "../errors.ts";
import type { ObservedMessage } from "../producer/mod.ts";
import { type RemotingRequest, RequestCode, ResponseCode } from "../remoting/mod.ts";
import {
  CommitOrRollback,
  type EndTransactionVarying,
  type PreparedHeaders,
  PreparedRequest,
  prepareEndTransactionHeaders,
  readEndTransactionResponse,
} from "../requests/mod.ts";
import type { Connection, RequestOptions } from "../transport/mod.ts";
import type { HalfMessage, HalfMessageHandle } from "./half_message.ts";
import type { LocalTransactionState } from "./local_transaction_state.ts";
import { refuseStaleHandle } from "./stale_handle.ts";
import type { TransactionObservation } from "./transaction_observation.ts";

/**
 * What became of a verdict.
 *
 * - `confirmed`: the broker said that it carried it out.
 * - `sent`: it was handed to the connection and no answer is awaited: *unknown* is never answered, and
 *   in mode `oneway` nothing is.
 * - `failed`: it did not leave, the broker refused it, or its fate is not known. The check-back
 *   decides.
 */
export type EndTransactionOutcome = "confirmed" | "sent" | "failed";

/** An outcome, with the reason where it failed. */
export interface EndTransactionResult {
  /** What became of the verdict. */
  readonly outcome: EndTransactionOutcome;
  /** Why it failed. */
  readonly error?: Error;
  /** The connection on which it was confirmed. */
  readonly confirmedOn?: Connection;
  /** `host:port` of the broker that it was sent to. */
  readonly address?: string;
}

/** What a verdict is about, beside the handle. */
export interface EndTransactionFacts {
  /** The id of the transaction. */
  transactionId: string;
  /** Topic of the message. */
  topic: string;
  /** What went wrong in the listener, for the broker's log. */
  remark?: string | undefined;
  /** Its half message: where a newer handle came, what has not left yet does not leave at all. */
  halfMessage?: HalfMessage;
  /** What those who look on remember of the message. */
  observed?: ObservedMessage | undefined;
}

/** The settings of the verdicts. */
export interface VerdictSenderOptions {
  /** Connections to brokers. */
  client: ClientInstance;
  /** Time. */
  clock: Clock;
  /** The producer group that the half messages carry. */
  producerGroup: string;
  /** Milliseconds for a verdict. */
  timeout: number;
  /** Whether answers are asked for. */
  mode: "confirm" | "oneway";
  /** Aborts when nothing is tried again. */
  timeUp: AbortSignal;
  /** Everyone who looks on. */
  observation: TransactionObservation;
}

/** Response codes with which a broker refuses a verdict now and may take it later. */
const PASSING_REFUSALS: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.FLOW_CONTROL,
  ResponseCode.GO_AWAY,
]);

const WIRE_STATES = {
  COMMIT: CommitOrRollback.Commit,
  ROLLBACK: CommitOrRollback.Rollback,
  UNKNOWN: CommitOrRollback.Unknown,
} as const;

/**
 * Sends END_TRANSACTION. A broker stores a committed message once more for every COMMIT that it
 * gets, so a verdict is repeated only where it surely did not leave, or the broker surely refused
 * it for a passing reason; where its fate is not known, the check-back decides.
 */
export class VerdictSender {
  readonly #options: VerdictSenderOptions;
  readonly #headers: PreparedHeaders<EndTransactionVarying>;

  constructor(options: VerdictSenderOptions) {
    this.#options = options;
    this.#headers = prepareEndTransactionHeaders(options.producerGroup);
  }

  /** Sends a verdict to the broker that holds the half message. Never throws. */
  send(
    handle: HalfMessageHandle,
    state: LocalTransactionState,
    facts: EndTransactionFacts,
  ): Promise<EndTransactionResult> {
    const { observation } = this.#options;
    if (!observation.watchesVerdicts) return this.#send(handle, state, facts);
    return observation.verdict(handle, state, facts, () => this.#send(handle, state, facts));
  }

  async #send(
    handle: HalfMessageHandle,
    state: LocalTransactionState,
    facts: EndTransactionFacts,
  ): Promise<EndTransactionResult> {
    const request = this.#request(handle, state, facts);
    const { client, clock, timeout, mode, timeUp } = this.#options;
    const oneway = state === "UNKNOWN" || mode === "oneway";
    const deadline = new Deadline(clock, timeout);
    let connection: Connection | undefined = handle.connection;
    let masterMoved = false, backoff: Backoff | undefined;
    let now: number | undefined = deadline.madeAt;
    for (;;) {
      try {
        if (!connection?.isOpen) {
          now = undefined;
          const bounds = { timeout: deadline.remaining };
          connection = await client.brokerConnection(handle.brokerName, bounds);
        }
        if (state !== "UNKNOWN" && connection !== handle.connection) {
          now = undefined;
          await refuseStaleHandle(connection, handle, facts, deadline);
        }
        if (isSuperseded(facts.halfMessage, handle, state)) throw superseded(handle);
        if (oneway) {
          const isPosted = state !== "UNKNOWN" && connection.post(request);
          if (!isPosted) await connection.oneway(request, boundsOf(deadline, now));
          return { outcome: "sent", address: connection.address };
        }
        const response = await connection.request(request, boundsOf(deadline, now));
        const { address } = connection;
        const { brokerName } = handle;
        readEndTransactionResponse(response, { address, brokerName, topic: facts.topic });
        return { outcome: "confirmed", confirmedOn: connection, address };
      } catch (error) {
        now = undefined;
        const isSlave = error instanceof BrokerResponseError &&
          error.responseCode === ResponseCode.SLAVE_NOT_AVAILABLE && !masterMoved;
        if (deadline.passed || timeUp.aborted || !(isSlave || maySendAgain(error))) {
          const { address } = connection ?? {};
          return {
            outcome: "failed",
            error: error as Error,
            ...(address === undefined ? {} : { address }),
          };
        }
        if (isSlave) {
          masterMoved = true;
          connection = undefined;
          await client.refreshRoute(facts.topic, { timeout: deadline.remaining }).catch(() => {});
        } else {
          backoff ??= new Backoff(clock, 100, 2_000);
          const pause = Math.min(backoff.next(), deadline.remaining);
          await sleep(clock, pause, timeUp).catch(() => {});
        }
      }
    }
  }

  #request(
    handle: HalfMessageHandle,
    state: LocalTransactionState,
    facts: EndTransactionFacts,
  ): RemotingRequest {
    const varying = {
      tranStateTableOffset: handle.tranStateTableOffset,
      commitLogOffset: handle.commitLogOffset,
      commitOrRollback: WIRE_STATES[state],
      fromTransactionCheck: handle.fromCheck,
      msgId: facts.transactionId,
      transactionId: facts.transactionId,
      bname: handle.brokerName,
    };
    const remark = facts.remark === undefined ? undefined : printable(facts.remark);
    const header = this.#headers.get(facts.topic);
    return new PreparedRequest(RequestCode.END_TRANSACTION, header, varying, undefined, remark);
  }
}

/** Whether a newer question came than the one that a state was to answer. */
function isSuperseded(
  halfMessage: HalfMessage | undefined,
  handle: HalfMessageHandle,
  state: LocalTransactionState,
): boolean {
  if (!halfMessage) return false;
  const { lastAsked, heldBack } = halfMessage;
  return state === "UNKNOWN"
    ? lastAsked !== undefined && lastAsked !== handle
    : heldBack !== undefined;
}

/** What is left of the time for a verdict, `now` where that is known. */
function boundsOf(deadline: Deadline, now: number | undefined): RequestOptions {
  return now === undefined
    ? { timeout: deadline.remaining }
    : { timeout: deadline.remainingAt(now), now };
}

function superseded({ brokerName }: HalfMessageHandle): InvalidStateError {
  return new InvalidStateError(
    `Cannot send the verdict: broker "${brokerName}" asked again meanwhile, it is sent as the answer to that`,
  );
}

function maySendAgain(error: unknown): boolean {
  if (error instanceof ConnectionError) return !error.written && error.isRetriable;
  return error instanceof BrokerResponseError && PASSING_REFUSALS.has(error.responseCode);
}
