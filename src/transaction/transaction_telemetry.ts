import { operationDuration, serverOf } from "../producer/mod.ts";
import {
  type Attributes,
  errorType,
  SpanKind,
  type Telemetry,
  type TelemetryContext,
} from "../telemetry.ts";
import type { CheckBack } from "./check_back.ts";
import type { EndTransactionResult } from "./end_transaction.ts";
import type { EndTransactionContext } from "./end_transaction_hooks.ts";
import type { LocalTransactionState } from "./local_transaction_state.ts";
import type { CheckHandling } from "./transaction_events.ts";
import type { TransactionRecord } from "./transaction_table.ts";

/** The span of a check-back. */
export interface CheckSpan {
  run<T>(work: () => T): T;
  end(state: LocalTransactionState, cause: unknown): void;
}

/**
 * The spans of a transaction. All of them are children of the one under which its half message was
 * sent, in whatever process they are made: its context travels in the message.
 */
export class TransactionTelemetry {
  readonly #telemetry: Telemetry;
  readonly #producerGroup: string;
  readonly #duration;
  readonly #checks;
  readonly #verdicts;

  constructor(telemetry: Telemetry, producerGroup: string) {
    this.#telemetry = telemetry;
    this.#producerGroup = producerGroup;
    this.#duration = operationDuration(telemetry);
    this.#checks = telemetry.counter(
      "rocketmq.transaction.checks",
      "{check}",
      "Number of check-backs that came, by what was done with them",
    );
    this.#verdicts = telemetry.counter(
      "rocketmq.transaction.verdicts",
      "{verdict}",
      "Number of verdicts, by state and outcome",
    );
  }

  /** A check-back has come. */
  checkBack(topic: string, handling: CheckHandling): void {
    this.#checks(1, { ...about(topic), "rocketmq.transaction.handling": handling });
  }

  /** Runs a local transaction within its span. */
  async local(
    { topic, transactionId, observed }: TransactionRecord,
    work: () => unknown,
  ): Promise<unknown> {
    const name = `local_transaction ${topic}`;
    const facts = this.#factsOf(topic, transactionId);
    const span = this.#telemetry.startSpan(name, SpanKind.Internal, facts, observed?.context);
    try {
      const state = await span.run(work);
      span.end({ "rocketmq.transaction.state": typeof state === "string" ? state : undefined });
      return state;
    } catch (error) {
      span.end({ "error.type": errorType(error) ?? "_OTHER" }, error ?? null);
      throw error;
    }
  }

  /** A listener, or a loop, gets a check-back. */
  check(check: CheckBack, { observed, topic }: TransactionRecord): CheckSpan {
    const span = this.#telemetry.startSpan(`check ${topic}`, SpanKind.Internal, {
      ...this.#factsOf(topic, check.transactionId),
      "messaging.operation.name": "check",
      "messaging.operation.type": "process",
      "rocketmq.transaction.check_times": check.checkTimes,
    }, observed?.context);
    return {
      run: (work) => span.run(work),
      end: (state, cause) => {
        const attributes = {
          "rocketmq.transaction.state": state,
          "error.type": errorType(cause),
        };
        span.end(attributes, cause);
      },
    };
  }

  /** A verdict is about to be sent. */
  verdict(
    { topic, transactionId, state, fromCheck }: EndTransactionContext,
    parent: TelemetryContext | undefined,
  ): { end(result: EndTransactionResult, duration: number): void } {
    const operation = {
      "messaging.operation.name": "end_transaction",
      "messaging.operation.type": "settle",
    };
    const span = this.#telemetry.startSpan(`end_transaction ${topic}`, SpanKind.Client, {
      ...this.#factsOf(topic, transactionId),
      ...operation,
      "rocketmq.transaction.state": state,
      "rocketmq.transaction.from_check": fromCheck,
    }, parent);
    return {
      end: ({ outcome, error, address }, duration) => {
        const server = serverOf(address), failure = { "error.type": errorType(error) };
        const verdict = { "rocketmq.transaction.outcome": outcome, ...failure };
        this.#duration(duration / 1_000, { ...about(topic), ...operation, ...server, ...failure });
        this.#verdicts(1, { ...about(topic), "rocketmq.transaction.state": state, ...verdict });
        span.end({ ...server, ...verdict }, error);
      },
    };
  }

  #factsOf(topic: string, transactionId: string): Attributes {
    return {
      ...about(topic),
      "messaging.message.id": transactionId,
      "messaging.rocketmq.client_group": this.#producerGroup,
    };
  }
}

function about(topic: string): Attributes {
  return { "messaging.system": "rocketmq", "messaging.destination.name": topic };
}
