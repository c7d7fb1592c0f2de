import { Backoff } from "../backoff.ts";
import type { ClientInstance } from "../client/mod.ts";
import { type Clock, Deadline, sleep } from "../clock.ts";
import { BrokerResponseError, ConnectionError, describe, printable } from "../errors.ts";
import { type RemotingRequest, RequestCode, ResponseCode } from "../remoting/mod.ts";
import {
  CommitOrRollback,
  type EndTransactionVarying,
  isTransientRefusal,
  type PreparedHeaders,
  PreparedRequest,
  prepareEndTransactionHeaders,
  readEndTransactionResponse,
} from "../requests/mod.ts";
import type { Connection } from "../transport/mod.ts";
import { BrokerEvidence } from "./evidence.ts";
import type { HalfMessage } from "./half_message.ts";
import { type BrokerHalves, Idle, type LiveTransaction, type TransactionBook } from "./live.ts";
import type { TransactionInstrumentation } from "./observe.ts";
import type { Report } from "./report.ts";
import type { EndTransactionResult, LocalTransactionState, Verdict } from "./states.ts";

/** Below so many milliseconds an answer can't be expected: the last refusal is the result then. */
const MIN_TIME_FOR_ANSWER_MS = 150;

/**
 * A half message that is so many milliseconds old may have been checked, with another member of the
 * group. Brokers check from `transactionTimeOut` on, 6 s by default, or from
 * `CHECK_IMMUNITY_TIME_IN_SECONDS` on, which is 1 at the least.
 */
const MIN_CHECK_AGE_MS = 1_000;

/** Most check-backs at which a COMMIT is put off, because its broker does not answer look-ups. */
const MAX_VAIN_LOOKS = 3;

export interface EndTransactionsOptions {
  clock: Clock;
  /** The producer group that the half messages carry. */
  producerGroup: string;
  /** Milliseconds for one END_TRANSACTION, the look before it included. */
  timeout: number;
  /** Whether answers are asked for. */
  mode: "confirm" | "oneway";
  book: TransactionBook;
  report: Report;
  instrumentation: TransactionInstrumentation;
  /** Aborts when nothing is tried again. */
  timeUp: AbortSignal;
  /** Most look-ups at once. @default {64} */
  maxQueries?: number | undefined;
}

const WIRE_STATES = {
  COMMIT: CommitOrRollback.Commit,
  ROLLBACK: CommitOrRollback.Rollback,
  UNKNOWN: CommitOrRollback.Unknown,
} as const;

/**
 * Ends transactions: sends END_TRANSACTION for the newest half message of each broker.
 *
 * A broker stores a message once more for every COMMIT that it gets, whatever it has stored already.
 * So a request is repeated only where it surely did not leave, or the broker surely refused it. And
 * before a COMMIT that may follow a check-back, the broker is asked for the message: somebody may have
 * committed the transaction already, this process or another member of the group. If it is there, a
 * half message that a check-back brought is a surplus one, and the broker is told to drop it. If there
 * is no answer, the next check-back is a better time, unless the broker is about to discard the message.
 */
export class EndTransactions {
  readonly #options: EndTransactionsOptions;
  readonly #headers: PreparedHeaders<EndTransactionVarying>;
  readonly #underWay = new Idle();
  #client: ClientInstance | undefined;
  #evidence: BrokerEvidence | undefined;

  constructor(options: EndTransactionsOptions) {
    this.#options = options;
    this.#headers = prepareEndTransactionHeaders(options.producerGroup);
  }

  /** Takes the client that the requests go through. */
  attach(client: ClientInstance): void {
    const { clock, timeUp, maxQueries } = this.#options;
    this.#client = client;
    this.#evidence = new BrokerEvidence({ client, clock, timeUp, maxQueries });
  }

  /** Waits until every request has been sent, or has failed. */
  idle(): Promise<void> {
    return this.#underWay.wait();
  }

  /**
   * Commits or rolls back a transaction on each broker that waits for it. Never throws.
   *
   * @param cause What went wrong in the listener, for the broker's log.
   * @returns The first outcome on the broker that was heard of first. What check-backs brought
   * meanwhile is ended in the background.
   */
  end(live: LiveTransaction, verdict: Verdict, cause?: unknown): Promise<EndTransactionResult> {
    const [first] = live.end(verdict).map((halves) => this.#endOn(live, halves, verdict, cause));
    return first!;
  }

  /** Ends a transaction that is being ended on a broker that checked after the others. */
  endAlso(live: LiveTransaction, half: HalfMessage): void {
    this.#endOn(live, live.endAlso(half), live.verdict!, undefined);
  }

  /**
   * Tells a broker *unknown* about one half message, unless a newer one came. Never throws.
   *
   * @param cause What went wrong in the listener, for the broker's log.
   */
  async leaveOpen(
    live: LiveTransaction,
    half: HalfMessage,
    cause?: unknown,
  ): Promise<EndTransactionResult> {
    this.#underWay.begin();
    const { book, instrumentation, report, clock, timeout } = this.#options;
    const deadline = new Deadline(clock, timeout);
    const isSuperseded = () => book.find(live.transactionId)?.isNewest(half) === false;
    const result = await instrumentation.endTransaction(
      live,
      half,
      "UNKNOWN",
      async () => await this.#send(live, half, "UNKNOWN", deadline, isSuperseded, cause) ?? SENT,
    );
    report.ended(live, half, "UNKNOWN", result);
    this.#underWay.end();
    return result;
  }

  /**
   * Looks once whether the message of some half messages on one broker is visible, and has the broker
   * drop them then. False when it is not, or the broker can't be asked.
   *
   * @param halves Those of one transaction and broker, the newest last.
   */
  async dropIfVisible(live: LiveTransaction, halves: readonly HalfMessage[]): Promise<boolean> {
    this.#underWay.begin();
    try {
      const deadline = new Deadline(this.#options.clock, this.#options.timeout);
      const { visibleOn } = await this.#findVisible(live, halves.at(-1)!, deadline);
      if (!visibleOn) return false;
      await Promise.all(halves.map((half) => this.#drop(live, half, visibleOn, deadline)));
      return true;
    } finally {
      this.#underWay.end();
    }
  }

  async #endOn(
    live: LiveTransaction,
    halves: BrokerHalves,
    verdict: Verdict,
    cause: unknown,
  ): Promise<EndTransactionResult> {
    this.#underWay.begin();
    const { instrumentation, report } = this.#options;
    const result = await (instrumentation.watchesEnds
      ? instrumentation.endTransaction(
        live,
        halves.newest,
        verdict,
        () => this.#resolve(live, halves, verdict, cause),
      )
      : this.#resolve(live, halves, verdict, cause));
    report.ended(live, halves.newest, verdict, result);
    this.#goOn(live, halves, verdict, result);
    return result;
  }

  /** Ends what check-backs brought meanwhile. */
  #goOn(
    live: LiveTransaction,
    halves: BrokerHalves,
    verdict: Verdict,
    result: EndTransactionResult,
  ): void {
    const hasFailed = result.outcome === "failed";
    const last = verdict === "COMMIT" && !hasFailed && !live.isSuperseded(halves)
      ? halves.others.filter((half) => this.#options.report.isLastCheck(half))
      : [];
    const goOn = () => {
      // A check-back may have come while the others were dropped.
      if (live.takeWaiting(halves, !hasFailed)) this.#endOn(live, halves, verdict, undefined);
      else {
        const hasTrouble = hasFailed || result.visibleOn !== undefined;
        if (live.ended(halves, hasTrouble)) this.#options.book.leaveEnded(live);
      }
      this.#underWay.end();
    };
    if (last.length === 0) goOn();
    else this.#dropOthers(live, halves.newest, last, result).then(goOn);
  }

  /** Ends the newest half message of one broker, and the one that comes before that has left. */
  async #resolve(
    live: LiveTransaction,
    halves: BrokerHalves,
    verdict: Verdict,
    cause: unknown,
  ): Promise<EndTransactionResult> {
    const { clock, timeout } = this.#options, deadline = new Deadline(clock, timeout);
    const isSuperseded = () => live.isSuperseded(halves);
    for (let now = deadline.madeAt;; now = clock.monotonic()) {
      const half = halves.newest;
      const looks = verdict === "COMMIT" && mayBeChecked(live, half, now);
      const found = looks && await this.#look(live, half, deadline, isSuperseded);
      if (found) return found;
      const result = await this.#send(live, half, verdict, deadline, isSuperseded, cause);
      if (result) return result;
      live.takeWaiting(halves, false);
    }
  }

  /**
   * Looks before a COMMIT whether the message is visible. Returns the result if it is, or if the next
   * check-back is the better time for the COMMIT.
   */
  async #look(
    live: LiveTransaction,
    half: HalfMessage,
    deadline: Deadline,
    isSuperseded: () => boolean,
  ): Promise<EndTransactionResult | undefined> {
    if (!half.fromCheck) {
      const visibleOn = await this.#findOnce(live, half, deadline);
      return visibleOn && await this.#drop(live, half, visibleOn, deadline);
    }
    const { visibleOn, error } = await this.#findVisible(live, half, deadline);
    if (visibleOn) return await this.#drop(live, half, visibleOn, deadline);
    if (!error || !this.#mayWait(live, half, error)) return undefined;
    live.putOff();
    if (!isSuperseded()) this.leaveOpen(live, half);
    return failed(error, half.connection);
  }

  async #findVisible(
    live: LiveTransaction,
    half: HalfMessage,
    deadline: Deadline,
  ): Promise<{ visibleOn?: Connection | undefined; error?: Error }> {
    try {
      return { visibleOn: await this.#evidence!.findVisible(live, half, deadline) };
    } catch (error) {
      if (!this.#mayWait(live, half, error)) {
        this.#options.report.lookUpFailed(live, half.brokerName, error);
      }
      return { error: error as Error };
    }
  }

  /**
   * Looks once: before a second attempt, since another member may have committed it meanwhile, and before
   * the first COMMIT of a sender that its broker has not checked with. Half of the time is left for that.
   */
  async #findOnce(
    live: LiveTransaction,
    half: HalfMessage,
    deadline: Deadline,
  ): Promise<Connection | undefined> {
    try {
      const bound = new Deadline(this.#options.clock, deadline.remaining / 2);
      return await this.#evidence!.findNow(live, half, bound);
    } catch (error) {
      if (half.fromCheck && this.#mayWait(live, half, error)) throw error;
      this.#options.report.lookUpFailed(live, half.brokerName, error);
      return undefined;
    }
  }

  /**
   * Reports whether a look that failed is better repeated at the next check-back. Twice is better than
   * never: what a broker does not let look up, or is about to discard, is committed unseen. It may be about
   * to without telling: it may check less often than this client is told, and does not count its checks
   * with `transRocksDBEnable`.
   */
  #mayWait({ vainLooks }: LiveTransaction, half: HalfMessage, error: unknown): boolean {
    const isTransient = error instanceof ConnectionError || isTransientRefusal(error);
    return isTransient && vainLooks < MAX_VAIN_LOOKS && !this.#options.report.isLastCheck(half);
  }

  /**
   * Tells a broker that a half message is not needed: on the very connection on which its visible
   * message was just found, where both are in one log, which a broker recovers from its start. On any
   * other connection the broker may have lost that message meanwhile, and *unknown* has it check again.
   * The same holds where half messages are not in the log (`transRocksDBEnable`): there a check-back
   * does not count its checks. The half message that a send stored needs no word: its broker has put
   * another in its place before it checked, and that one was committed.
   */
  async #drop(
    live: LiveTransaction,
    half: HalfMessage,
    visibleOn: Connection,
    deadline: Deadline,
  ): Promise<EndTransactionResult> {
    const { address } = visibleOn, { mode, report } = this.#options;
    const found = { outcome: "confirmed", address, visibleOn } as const;
    report.foundCommitted(live, half.brokerName);
    if (!half.fromCheck) return found;
    const mayDrop = visibleOn === half.connection && half.checkTimes > 0;
    const state = mayDrop ? "ROLLBACK" : "UNKNOWN";
    const request = this.#request(live, half, state, undefined);
    const timeout = Math.max(deadline.remaining, MIN_TIME_FOR_ANSWER_MS);
    try {
      if (!mayDrop || mode === "oneway") await visibleOn.oneway(request, { timeout });
      else {
        const response = await visibleOn.request(request, { timeout });
        const { brokerName } = half, { topic } = live;
        readEndTransactionResponse(response, { address, brokerName, topic });
      }
    } catch (error) {
      report.dropFailed(live, half.brokerName, error);
    }
    return found;
  }

  /**
   * Drops the earlier half messages of a committed transaction that the broker is about to discard, as if
   * it were lost. It checks any others again.
   */
  async #dropOthers(
    live: LiveTransaction,
    newest: HalfMessage,
    others: readonly HalfMessage[],
    result: EndTransactionResult,
  ): Promise<void> {
    const { clock, timeout } = this.#options, deadline = new Deadline(clock, timeout);
    const { visibleOn } = result.visibleOn
      ? result
      : await this.#findVisible(live, newest, deadline);
    if (!visibleOn) return;
    await Promise.all(
      others.filter(({ connection }) => connection === visibleOn)
        .map((half) => this.#drop(live, half, visibleOn, deadline)),
    );
  }

  /** Sends a request, and again where that does no harm. Undefined when a newer half message came. */
  async #send(
    live: LiveTransaction,
    half: HalfMessage,
    state: LocalTransactionState,
    deadline: Deadline,
    isSuperseded: () => boolean,
    cause: unknown,
  ): Promise<EndTransactionResult | undefined> {
    const { clock, mode, timeUp } = this.#options, client = this.#client!;
    const request = this.#request(live, half, state, cause);
    const isOneway = state === "UNKNOWN" || mode === "oneway";
    let connection: Connection | undefined = half.connection;
    let masterMoved = false, backoff: Backoff | undefined;
    for (let isFirst = true;; isFirst = false) {
      try {
        if (!connection?.isOpen) {
          const bounds = { timeout: deadline.remaining };
          connection = await client.brokerConnection(half.brokerName, bounds);
        }
        const isFirstThere = isFirst && connection === half.connection;
        if (state === "COMMIT" && !isFirstThere && mayBeChecked(live, half, clock.monotonic())) {
          const visibleOn = await this.#findOnce(live, half, deadline);
          if (visibleOn) return await this.#drop(live, half, visibleOn, deadline);
        }
        if (state !== "UNKNOWN" && connection !== half.connection) {
          await this.#evidence!.refuseMoved(connection, live, half, deadline);
        }
        if (isSuperseded()) return undefined;
        const { address } = connection;
        if (isOneway) {
          const isPosted = state !== "UNKNOWN" && connection.post(request);
          if (!isPosted) await connection.oneway(request, { timeout: deadline.remaining });
          return { outcome: "sent", address };
        }
        const now = clock.monotonic(), timeout = deadline.remainingAt(now);
        this.#refuseLate(live, half, deadline, timeout);
        const response = await connection.request(request, { timeout, now });
        const { brokerName } = half, { topic } = live;
        const isProof = readEndTransactionResponse(response, { address, brokerName, topic });
        return { outcome: isProof ? "confirmed" : "sent", address };
      } catch (error) {
        const isSlave = error instanceof BrokerResponseError &&
          error.responseCode === ResponseCode.SLAVE_NOT_AVAILABLE && !masterMoved;
        if (isSlave) {
          masterMoved = true;
          connection = undefined;
          await client.refreshRoute(live.topic, { timeout: deadline.remaining }).catch(() => {});
        } else if (surelyNotDone(error)) {
          backoff ??= new Backoff(clock, 100, 2_000);
          const pause = backoff.next();
          if (deadline.remaining - pause < MIN_TIME_FOR_ANSWER_MS) return failed(error, connection);
          await sleep(clock, pause, timeUp).catch(() => {});
        } else return failed(error, connection);
        if (isSuperseded()) return undefined;
        if (timeUp.aborted || deadline.remaining < MIN_TIME_FOR_ANSWER_MS) {
          return failed(error, connection);
        }
      }
    }
  }

  /**
   * Refuses a commit or rollback for whose answer too little time is left, of a short timeout a tenth. It
   * would be carried out, and nobody would know. If its broker is about to discard the message, that is
   * better than nothing.
   */
  #refuseLate(
    { transactionId, topic }: LiveTransaction,
    half: HalfMessage,
    { timeout }: Deadline,
    remaining: number,
  ): void {
    if (remaining >= Math.min(MIN_TIME_FOR_ANSWER_MS, timeout / 10)) return;
    if (this.#options.report.isLastCheck(half)) return;
    throw new ConnectionError(
      "TIMEOUT",
      `Cannot end transaction ${transactionId}: of ${Math.round(timeout)} ms only ` +
        `${
          Math.floor(remaining)
        } were left when its broker could be reached, too few for an answer`,
      { brokerName: half.brokerName, topic, isRetriable: true },
    );
  }

  #request(
    { transactionId, topic }: LiveTransaction,
    half: HalfMessage,
    state: LocalTransactionState,
    cause: unknown,
  ): RemotingRequest {
    const varying = {
      tranStateTableOffset: half.tranStateTableOffset,
      commitLogOffset: half.commitLogOffset,
      commitOrRollback: WIRE_STATES[state],
      fromTransactionCheck: half.fromCheck,
      msgId: transactionId,
      transactionId,
      bname: half.brokerName,
    };
    const remark = cause === undefined ? undefined : printable(describe(cause));
    const header = this.#headers.get(topic);
    return new PreparedRequest({ code: RequestCode.END_TRANSACTION, header, varying, remark });
  }
}

/** The result of an *unknown* that did not leave, because a newer check-back is answered instead. */
const SENT: EndTransactionResult = { outcome: "sent" };

/** Reports whether another member of the group may have answered a check-back for a half message. */
function mayBeChecked(
  { begunAt }: LiveTransaction,
  { fromCheck }: HalfMessage,
  now: number,
): boolean {
  return fromCheck || now - begunAt >= MIN_CHECK_AGE_MS;
}

function failed(error: unknown, connection: Connection | undefined): EndTransactionResult {
  const { address } = connection ?? {};
  return {
    outcome: "failed",
    error: error as Error,
    ...(address === undefined ? {} : { address }),
  };
}

/** Reports whether a request surely did not leave, or was surely refused, and may succeed soon. */
function surelyNotDone(error: unknown): boolean {
  if (error instanceof ConnectionError) return !error.written && error.isRetriable;
  return isTransientRefusal(error);
}
