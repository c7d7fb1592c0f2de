import { MessageProperty } from "../message/mod.ts";
import {
  callHook,
  groupOf,
  operationDuration,
  type ProducerCore,
  serverOf,
} from "../producer/mod.ts";
import {
  type Attributes,
  errorType,
  type Measure,
  SpanKind,
  type Telemetry,
  type TelemetryContext,
} from "../telemetry.ts";
import type { CheckBack } from "./check_back.ts";
import type { CheckHandling } from "./events.ts";
import type { HalfMessage } from "./half_message.ts";
import type { LiveTransaction, TraceFacts } from "./live.ts";
import {
  type CheckListener,
  type EndTransactionContext,
  type EndTransactionHooks,
  type EndTransactionResult,
  isLocalTransactionState,
  type LocalTransactionState,
} from "./states.ts";

/** What the answer to a send says beside the properties of its message. */
type SendFacts = Partial<Pick<TraceFacts, "regionId" | "traceOn" | "context">>;

/** What there is to measure, once the producer has started in a process with OpenTelemetry. */
interface Instruments {
  readonly telemetry: Telemetry;
  readonly duration: Measure;
  readonly localDuration: Measure;
  readonly checkDuration: Measure;
  readonly checks: Measure;
  readonly ends: Measure;
}

interface CheckSpan {
  run<T>(work: () => T): T;
  end(attributes: Attributes, cause: unknown): void;
}

/** Instrumentation of transactions: hooks, message traces, spans and metrics. */
export class TransactionInstrumentation {
  readonly #core: ProducerCore;
  readonly #hooks: readonly EndTransactionHooks[];
  readonly #spans = new WeakMap<CheckBack, { span: CheckSpan; startedAt: number }>();
  #made: Instruments | undefined;

  constructor(core: ProducerCore, hooks: readonly EndTransactionHooks[]) {
    this.#core = core;
    this.#hooks = hooks;
  }

  /** Gathers what is needed of a message later; undefined when nothing is. */
  traceFactsOf(
    properties: Readonly<Record<string, string>>,
    sent?: SendFacts,
  ): TraceFacts | undefined {
    const { telemetry, traces } = this.#core;
    if (!telemetry && !traces) return undefined;
    return {
      tags: properties[MessageProperty.Tags],
      keys: properties[MessageProperty.Keys],
      regionId: sent ? sent.regionId : properties[MessageProperty.Region],
      traceOn: sent ? sent.traceOn !== false : properties[MessageProperty.TraceSwitch] !== "false",
      context: sent ? sent.context : telemetry?.extract(properties),
    };
  }

  /** Counts a check-back. */
  checkBack(topic: string, handling: CheckHandling): void {
    const facts = { ...this.#measured(topic), "rocketmq.transaction.handling": handling };
    this.#instruments?.checks(1, facts);
  }

  /** Runs a local transaction within its span. */
  local(live: LiveTransaction, work: () => unknown): unknown {
    const instruments = this.#instruments;
    return instruments ? this.#localWithin(instruments, live, work) : work();
  }

  /** Begins the span of a check-back. */
  checkBegins(check: CheckBack, { topic, traceFacts }: LiveTransaction): void {
    const instruments = this.#instruments;
    if (!instruments) return;
    const startedAt = this.#core.settings.clock.monotonic();
    const span = instruments.telemetry.startSpan(`check ${topic}`, {
      kind: SpanKind.Internal,
      attributes: {
        ...this.#attributesOf(topic, check.transactionId),
        "messaging.operation.name": "check",
        "messaging.operation.type": "process",
        "rocketmq.transaction.check_times": check.checkTimes,
      },
      parent: traceFacts?.context,
    });
    this.#spans.set(check, { span, startedAt });
  }

  /** Makes a listener that runs within the spans of its check-backs. */
  watchListener(listener: CheckListener): CheckListener {
    return (message, check) => {
      const span = this.#spans.get(check as CheckBack)?.span;
      return span ? span.run(() => listener(message, check)) : listener(message, check);
    };
  }

  /** Ends the span of a check-back. */
  checkEnds(check: CheckBack, state: LocalTransactionState, cause: unknown): void {
    const begun = this.#spans.get(check);
    if (!begun) return;
    const attributes = { "rocketmq.transaction.state": state, "error.type": errorType(cause) };
    begun.span.end(attributes, cause);
    const facts = { ...this.#measured(check.message.topic), ...attributes };
    this.#instruments?.checkDuration(this.#secondsSince(begun.startedAt), facts);
  }

  /** Whether anyone watches END_TRANSACTION requests. */
  get watchesEnds(): boolean {
    return this.#hooks.length > 0 || this.#core.traces !== undefined ||
      this.#core.telemetry !== undefined;
  }

  /** Watches how a transaction is ended. `end` never throws. */
  async endTransaction(
    { transactionId, topic, traceFacts }: LiveTransaction,
    { brokerName, fromCheck }: HalfMessage,
    state: LocalTransactionState,
    end: () => Promise<EndTransactionResult>,
  ): Promise<EndTransactionResult> {
    if (!this.watchesEnds) return await end();
    const { settings: { clock }, warnings, producerGroup } = this.#core;
    const context = { transactionId, topic, producerGroup, brokerName, state, fromCheck };
    for (const hooks of this.#hooks) {
      callHook(warnings, "endTransactionHooks.before", () => hooks.before?.({ ...context }));
    }
    const endSpan = this.#beginEnd(context, traceFacts?.context);
    const startedAt = clock.monotonic(), timestamp = Math.floor(clock.now());
    const result = await end();
    const duration = clock.monotonic() - startedAt;
    endSpan?.(result, duration);
    this.#trace(context, traceFacts, timestamp, result);
    const { outcome, address, error } = result;
    const report = {
      outcome,
      duration,
      ...(address === undefined ? {} : { brokerAddress: address }),
      ...(error === undefined ? {} : { error }),
    };
    for (const hooks of this.#hooks) {
      callHook(warnings, "endTransactionHooks.after", () => hooks.after?.({ ...context }, report));
    }
    return result;
  }

  get #instruments(): Instruments | undefined {
    const { telemetry } = this.#core;
    return telemetry && (this.#made ??= {
      telemetry,
      duration: operationDuration(telemetry),
      localDuration: telemetry.durations(
        "rocketmq.transaction.local.duration",
        "Duration of local transactions",
      ),
      checkDuration: telemetry.durations(
        "rocketmq.transaction.check.duration",
        "Duration of the listener's work on check-backs",
      ),
      checks: telemetry.counter(
        "rocketmq.transaction.checks",
        "{check}",
        "Number of check-backs that came, by what was done with them",
      ),
      ends: telemetry.counter(
        "rocketmq.transaction.verdicts",
        "{verdict}",
        "Number of END_TRANSACTION requests, by state and outcome",
      ),
    });
  }

  async #localWithin(
    { telemetry, localDuration }: Instruments,
    { topic, transactionId, traceFacts }: LiveTransaction,
    work: () => unknown,
  ): Promise<unknown> {
    const span = telemetry.startSpan(`local_transaction ${topic}`, {
      kind: SpanKind.Internal,
      attributes: {
        ...this.#attributesOf(topic, transactionId),
        "messaging.operation.name": "local_transaction",
      },
      parent: traceFacts?.context,
    });
    const startedAt = this.#core.settings.clock.monotonic();
    const end = (attributes: Attributes, error?: unknown) => {
      span.end(attributes, error);
      const facts = { ...this.#measured(topic), ...attributes };
      localDuration(this.#secondsSince(startedAt), facts);
    };
    try {
      const state = await span.run(work);
      end({
        "rocketmq.transaction.state": isLocalTransactionState(state) ? state : undefined,
      });
      return state;
    } catch (error) {
      end({ "error.type": errorType(error) ?? "_OTHER" }, error ?? null);
      throw error;
    }
  }

  #beginEnd(
    { topic, transactionId, state, fromCheck }: EndTransactionContext,
    parent: TelemetryContext | undefined,
  ): ((result: EndTransactionResult, duration: number) => void) | undefined {
    const instruments = this.#instruments;
    if (!instruments) return undefined;
    const operation = {
      "messaging.operation.name": "end_transaction",
      "messaging.operation.type": "settle",
    };
    const name = `end_transaction ${topic}`;
    const span = instruments.telemetry.startSpan(name, {
      kind: SpanKind.Client,
      attributes: {
        ...this.#attributesOf(topic, transactionId),
        ...operation,
        "rocketmq.transaction.state": state,
        "rocketmq.transaction.from_check": fromCheck,
      },
      parent,
    });
    return ({ outcome, error, address }, duration) => {
      const server = serverOf(address), failure = { "error.type": errorType(error) };
      const ended = { "rocketmq.transaction.outcome": outcome, ...failure };
      const { duration: measure, ends } = instruments;
      const facts = this.#measured(topic);
      measure(duration / 1_000, { ...facts, ...operation, ...server, ...failure });
      ends(1, { ...facts, "rocketmq.transaction.state": state, ...ended });
      span.end({ ...server, ...ended }, error);
    };
  }

  #trace(
    { topic, transactionId, producerGroup, state, fromCheck }: EndTransactionContext,
    facts: TraceFacts | undefined,
    timestamp: number,
    { address }: EndTransactionResult,
  ): void {
    const { traces } = this.#core;
    if (!traces || !facts?.regionId || !facts.traceOn) return;
    traces.append({
      type: "EndTransaction",
      timestamp,
      regionId: facts.regionId,
      producerGroup,
      topic,
      messageId: transactionId,
      tags: facts.tags,
      keys: facts.keys,
      brokerAddress: address,
      transactionId,
      state,
      fromCheck,
    });
  }

  #attributesOf(topic: string, transactionId: string): Attributes {
    return {
      ...about(topic),
      "messaging.message.id": transactionId,
      ...this.#core.spanFacts,
    };
  }

  /** Returns the attributes of a measurement. */
  #measured(topic: string): Attributes {
    return { ...about(topic), ...groupOf(this.#core.producerGroup) };
  }

  #secondsSince(startedAt: number): number {
    return (this.#core.settings.clock.monotonic() - startedAt) / 1_000;
  }
}

function about(topic: string): Attributes {
  return { "messaging.system": "rocketmq", "messaging.destination.name": topic };
}
