import { MessageProperty } from "../message/mod.ts";
import { callHook, type ProducerCore } from "../producer/mod.ts";
import type { CheckBack } from "./check_back.ts";
import type { CheckListener } from "./check_pump.ts";
import type { EndTransactionFacts, EndTransactionResult } from "./end_transaction.ts";
import type { EndTransactionHooks } from "./end_transaction_hooks.ts";
import type { HalfMessageHandle } from "./half_message.ts";
import type { LocalTransactionState } from "./local_transaction_state.ts";
import { type CheckSpan, TransactionTelemetry } from "./transaction_telemetry.ts";
import type { CheckHandling } from "./transaction_events.ts";
import type { CheckContext } from "./transaction_listener.ts";
import type { TransactionRecord } from "./transaction_table.ts";

/** Everyone who looks on at transactions: hooks, message traces, telemetry. */
export class TransactionObservation {
  readonly #sends: ProducerCore;
  readonly #hooks: readonly EndTransactionHooks[];
  readonly #spans = new WeakMap<CheckContext, CheckSpan>();
  #made: TransactionTelemetry | undefined;

  constructor(sends: ProducerCore, hooks: readonly EndTransactionHooks[]) {
    this.#sends = sends;
    this.#hooks = hooks;
  }

  get #telemetry(): TransactionTelemetry | undefined {
    const { telemetry, producerGroup } = this.#sends;
    return telemetry && (this.#made ??= new TransactionTelemetry(telemetry, producerGroup));
  }

  /** Takes what a half message that came with a check-back says of itself. */
  recognize(record: TransactionRecord, properties: Readonly<Record<string, string>>): void {
    if (!this.#telemetry && !this.#sends.traces) return;
    record.observed ??= {
      tags: properties[MessageProperty.Tags],
      keys: properties[MessageProperty.Keys],
      regionId: properties[MessageProperty.Region],
      traceOn: properties[MessageProperty.TraceSwitch] !== "false",
      context: this.#sends.telemetry?.extract(properties),
    };
  }

  /** A check-back has come. */
  checkBack({ topic }: TransactionRecord, handling: CheckHandling): void {
    this.#telemetry?.checkBack(topic, handling);
  }

  /** Runs a local transaction within its span. */
  local(record: TransactionRecord, work: () => unknown): unknown {
    return this.#telemetry ? this.#telemetry.local(record, work) : work();
  }

  /** A listener, or a loop, gets a check-back. */
  checkBegins(check: CheckBack, record: TransactionRecord): void {
    const span = this.#telemetry?.check(check, record);
    if (span) this.#spans.set(check, span);
  }

  /** A listener that runs within the spans of its check-backs. */
  watchListener(listener: CheckListener): CheckListener {
    return (message, check) => {
      const span = this.#spans.get(check);
      return span ? span.run(() => listener(message, check)) : listener(message, check);
    };
  }

  /** A check-back was answered, or its time is over. */
  checkEnds(check: CheckBack, state: LocalTransactionState, cause: unknown): void {
    this.#spans.get(check)?.end(state, cause);
  }

  /** Whether anyone looks on at verdicts. */
  get watchesVerdicts(): boolean {
    return this.#hooks.length > 0 || this.#sends.traces !== undefined ||
      this.#telemetry !== undefined;
  }

  /** Watches a verdict. `send` never throws. */
  async verdict(
    handle: HalfMessageHandle,
    state: LocalTransactionState,
    facts: EndTransactionFacts,
    send: () => Promise<EndTransactionResult>,
  ): Promise<EndTransactionResult> {
    const { traces, settings: { clock, logger }, producerGroup } = this.#sends;
    const { transactionId, topic, observed } = facts;
    const { brokerName, fromCheck } = handle;
    const context = { transactionId, topic, producerGroup, brokerName, state, fromCheck };
    const startedAt = clock.monotonic();
    for (const hooks of this.#hooks) {
      callHook(logger, "endTransactionHooks.before", () => hooks.before?.({ ...context }));
    }
    const span = this.#telemetry?.verdict(context, observed?.context);
    const timestamp = Math.floor(clock.now());
    const result = await send();
    const duration = clock.monotonic() - startedAt;
    span?.end(result, duration);
    if (traces && observed?.regionId && observed.traceOn) {
      traces.append({
        type: "EndTransaction",
        timestamp,
        regionId: observed.regionId,
        producerGroup,
        topic,
        messageId: transactionId,
        tags: observed.tags,
        keys: observed.keys,
        brokerAddress: result.address,
        transactionId,
        state,
        fromCheck,
      });
    }
    const { outcome, address, error } = result;
    const report = {
      outcome,
      duration,
      ...(address === undefined ? {} : { brokerAddress: address }),
      ...(error === undefined ? {} : { error }),
    };
    for (const hooks of this.#hooks) {
      callHook(logger, "endTransactionHooks.after", () => hooks.after?.({ ...context }, report));
    }
    return result;
  }
}
