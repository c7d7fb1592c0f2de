import type { ClientInstance } from "../client/mod.ts";
import type { Clock } from "../clock.ts";
import { ConnectionError, describe, ProtocolError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Connection } from "../transport/mod.ts";
import { CommitLookUp } from "./commit_look_up.ts";
import {
  type EndTransactionFacts,
  type EndTransactionResult,
  VerdictSender,
} from "./end_transaction.ts";
import {
  type HalfMessage,
  type HalfMessageHandle,
  isCommittedOn,
  isReconnected,
  markCommitted,
} from "./half_message.ts";
import { InFlight } from "./in_flight.ts";
import type { TransactionJournal } from "./journal.ts";
import type { LocalTransactionState, Verdict } from "./local_transaction_state.ts";
import type { CheckHandling } from "./transaction_events.ts";
import type { TransactionSettings } from "./transaction_options.ts";
import type { TransactionTable } from "./transaction_table.ts";
import { VerdictTiming } from "./verdict_timing.ts";

/** What verdicts are given with. */
export interface VerdictsOptions extends TransactionSettings {
  /** Time. */
  clock: Clock;
  /** Log. */
  logger: Logger;
  /** The producer group. */
  producerGroup: string;
  /** Where it is told what happens. */
  journal: TransactionJournal;
  /** The transactions. */
  table: TransactionTable;
  /** Aborts when nothing may wait any longer. */
  timeUp: AbortSignal;
}

/**
 * Gives verdicts to brokers, each until it is confirmed or no check-back waits for it. The verdict is
 * one for a transaction; each broker that holds a half message of it is told on its own.
 */
export class Verdicts {
  /** When a verdict is safe from the broker's next check round. */
  readonly timing: VerdictTiming;
  readonly #options: VerdictsOptions;
  readonly #underWay = new InFlight();
  #sender: VerdictSender | undefined;
  #lookUp: CommitLookUp | undefined;

  constructor(options: VerdictsOptions) {
    this.#options = options;
    this.timing = new VerdictTiming(options.clock, options.timeUp);
  }

  /** Takes the client that verdicts go through. */
  attach(client: ClientInstance): void {
    const { clock, logger, journal, producerGroup } = this.#options;
    const { endTransactionTimeout: timeout, endTransactionMode: mode } = this.#options;
    const { observation } = journal, { timeUp } = this.#options;
    this.#sender = new VerdictSender({
      client,
      clock,
      producerGroup,
      timeout,
      mode,
      observation,
      timeUp,
    });
    this.#lookUp = new CommitLookUp({ client, clock, logger, timeout, timeUp });
  }

  /** Waits until every verdict that is known has been sent, or has failed. */
  idle(): Promise<void> {
    return this.#underWay.idle();
  }

  /** Gives a verdict on the newest handle of a half message. */
  end(
    halfMessage: HalfMessage,
    verdict: Verdict,
    cause?: unknown,
  ): Promise<EndTransactionResult> {
    halfMessage.transaction.verdict = verdict;
    this.#options.table.activate(halfMessage.transaction);
    return this.#giveUntilSettled(halfMessage, verdict, cause);
  }

  /**
   * Takes a check-back of a transaction whose verdict is known. After a commit that the broker
   * confirmed on this very connection its message is stored, and another COMMIT would store it
   * again: the question was asked before, or about a copy that the broker made before. On any
   * other connection the broker may have lost the message, and another broker never had it, so the
   * verdict is given again. It is never answered with the opposite.
   *
   * A broker whose connection was lost may have forgotten how far its checks had come, and then has
   * several copies of the half message to ask about. One that it is about to give up is committed,
   * too: among those that were given up an operator then finds none that is visible elsewhere.
   */
  take(halfMessage: HalfMessage, handle: HalfMessageHandle): CheckHandling {
    if (isCommittedOn(halfMessage, handle) && !this.#isLastOfLost(halfMessage, handle)) {
      this.send(halfMessage, handle, "UNKNOWN");
      return "alreadyCommitted";
    }
    switch (halfMessage.phase) {
      case "waiting":
        halfMessage.handle = handle;
        halfMessage.wake?.();
        return "repeated";
      case "ending":
        halfMessage.heldBack = handle;
        return "heldBack";
      case "idle":
        halfMessage.handle = handle;
        this.end(halfMessage, halfMessage.transaction.verdict!);
        return "repeated";
    }
  }

  /** Whether a broker that was lost in between asks for one of the last times. */
  #isLastOfLost(halfMessage: HalfMessage, handle: HalfMessageHandle): boolean {
    const isLast = handle.checkTimes >= this.#options.transactionCheckMax - 1;
    return isLast && isReconnected(halfMessage, handle);
  }

  /** Sends a state for a handle, once. */
  async send(
    halfMessage: HalfMessage,
    handle: HalfMessageHandle,
    state: LocalTransactionState,
    cause?: unknown,
  ): Promise<EndTransactionResult> {
    this.#underWay.begin();
    const result = await this.#sender!.send(handle, state, factsOf(halfMessage, cause));
    this.#underWay.end();
    this.#options.journal.verdictSent(halfMessage.transaction, handle, state, result);
    return result;
  }

  async #giveUntilSettled(
    halfMessage: HalfMessage,
    verdict: Verdict,
    cause: unknown,
  ): Promise<EndTransactionResult> {
    this.#underWay.begin();
    try {
      for (;;) {
        halfMessage.phase = "waiting";
        const delay = this.timing.delayOf(halfMessage);
        if (delay > 0) await this.timing.wait(halfMessage, delay);
        halfMessage.phase = "ending";
        const { handle, answerLost } = halfMessage;
        let result: EndTransactionResult;
        const confirmedOn = verdict === "COMMIT" && answerLost
          ? await this.#findCommitted(halfMessage)
          : undefined;
        if (confirmedOn) result = { outcome: "confirmed", confirmedOn };
        else {
          result = await this.#sender!.send(handle, verdict, factsOf(halfMessage, cause));
          this.#options.journal.verdictSent(halfMessage.transaction, handle, verdict, result);
        }
        if (verdict === "COMMIT") rememberCommit(halfMessage, result);
        const heldBack = halfMessage.heldBack;
        halfMessage.heldBack = undefined;
        if (heldBack && result.outcome !== "confirmed") {
          halfMessage.handle = heldBack;
          continue;
        }
        halfMessage.phase = "idle";
        this.#options.table.retire(halfMessage.transaction);
        if (heldBack) this.#takeHeldBack(halfMessage, heldBack, result);
        return result;
      }
    } finally {
      this.#underWay.end();
    }
  }

  /**
   * Takes the check-back that came while the verdict was on its way. One that came on a connection
   * that is gone was asked before the verdict was confirmed on the present one.
   */
  #takeHeldBack(
    halfMessage: HalfMessage,
    heldBack: HalfMessageHandle,
    { confirmedOn }: EndTransactionResult,
  ): void {
    const isOlder = confirmedOn?.isOpen && !heldBack.connection?.isOpen;
    if (isOlder && halfMessage.transaction.verdict === "COMMIT") {
      this.send(halfMessage, heldBack, "UNKNOWN");
    } else {
      this.take(halfMessage, heldBack);
    }
  }

  /**
   * The connection on which a commit whose answer got lost was found to be carried out: then it is
   * not given again.
   */
  async #findCommitted(halfMessage: HalfMessage): Promise<Connection | undefined> {
    const { handle, transaction } = halfMessage;
    const confirmedOn = await this.#lookUp!.findCommitted(halfMessage);
    if (!confirmedOn) return undefined;
    halfMessage.answerLost = false;
    this.#options.journal.foundCommitted(transaction, handle.brokerName);
    await this.send(halfMessage, handle, "UNKNOWN");
    return confirmedOn;
  }
}

/** What a verdict is about; `cause` is what went wrong in the listener. */
function factsOf(halfMessage: HalfMessage, cause: unknown): EndTransactionFacts {
  const { transactionId, topic, observed } = halfMessage.transaction;
  const remark = cause === undefined ? undefined : describe(cause);
  return { transactionId, topic, remark, observed, halfMessage };
}

/** Remembers what became of a commit: where it was confirmed, or that its answer got lost. */
function rememberCommit(halfMessage: HalfMessage, result: EndTransactionResult): void {
  if (result.confirmedOn) markCommitted(halfMessage, result.confirmedOn);
  if (result.outcome === "confirmed") halfMessage.answerLost = false;
  else if (isAnswerLost(result)) halfMessage.answerLost = true;
}

/** Whether the broker may have carried a verdict out without saying so. */
function isAnswerLost({ outcome, error }: EndTransactionResult): boolean {
  if (error instanceof ConnectionError) return error.written;
  return outcome === "sent" || error instanceof ProtocolError;
}
