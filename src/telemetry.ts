/*
  The runtime, or an OpenTelemetry SDK, registers its API object under a symbol of the global object.
  The types below describe what is used of it, so nothing is imported. None of its failures leaves
  this file.
*/

const API = Symbol.for("opentelemetry.js.api.1");
const SPAN = Symbol.for("OpenTelemetry Context Key SPAN");
const SCOPE = "@rocketmq-deno/client";

/** The version of this package, as `deno.json` has it. */
export const VERSION = "0.1.0";

/** The parent of spans. It is passed on, and never read. */
export interface TelemetryContext {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): TelemetryContext;
  deleteValue(key: symbol): TelemetryContext;
}

/** The attributes of a span or a measurement. Those without a value are left out. */
export type Attributes = Record<
  string,
  string | number | boolean | readonly string[] | undefined
>;

/** The roles of spans, by their numbers in the API. */
export const SpanKind = { Internal: 0, Client: 2, Producer: 3, Consumer: 4 } as const;

/** One of {@linkcode SpanKind}. */
export type SpanKind = typeof SpanKind[keyof typeof SpanKind];

interface Span {
  end(): void;
  recordException(exception: unknown): void;
  setAttributes(attributes: Attributes): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
}

interface Tracer {
  startSpan(
    name: string,
    options: { kind: number; attributes: Attributes },
    context?: TelemetryContext,
  ): Span;
}

interface Meter {
  createCounter(name: string, options: InstrumentOptions): {
    add(value: number, attributes: Attributes): void;
  };
  createHistogram(name: string, options: InstrumentOptions): {
    record(value: number, attributes: Attributes): void;
  };
  createObservableCounter(name: string, options: InstrumentOptions): Observable;
  createObservableUpDownCounter(name: string, options: InstrumentOptions): Observable;
}

interface InstrumentOptions {
  unit: string;
  description: string;
  advice?: { explicitBucketBoundaries: number[] };
}

/** An instrument that is read when measurements are collected. */
interface Observable {
  addCallback(read: ObservableCallback): void;
  removeCallback(read: ObservableCallback): void;
}

type ObservableCallback = (
  result: { observe(value: number, attributes: Attributes): void },
) => void;

interface ContextManager {
  active(): TelemetryContext;
  with<T>(context: TelemetryContext, work: () => T): T;
}

interface Api {
  trace?: { getTracer(name: string, version: string): Tracer };
  metrics?: { getMeter(name: string, version: string): Meter };
  context?: ContextManager;
  propagation?: {
    inject(context: TelemetryContext, carrier: unknown, setter: object): void;
    extract(context: TelemetryContext, carrier: unknown, getter: object): TelemetryContext;
  };
}

/** A number that a producer keeps anyway: it is read when measurements are collected. */
export interface Observed {
  /** `counter` only grows; `amount` is what there is now. */
  readonly kind: "counter" | "amount";
  /** Name of the metric. */
  readonly name: string;
  /** What is counted, in braces: `{message}`. */
  readonly unit: string;
  /** What it tells. */
  readonly description: string;
  /** Returns the number. */
  readonly read: () => number;
}

/**
 * Boundaries of histograms of durations in seconds, as the conventions for messaging advise them. By
 * default everything up to 5 s would count as one.
 */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Takes a measurement. */
export type Measure = (value: number, attributes: Attributes) => void;

/** Returns the OpenTelemetry of this process, if it has one. */
export function findTelemetry(): Telemetry | undefined {
  const api = (globalThis as Record<symbol, unknown>)[API];
  return typeof api === "object" && api !== null ? new Telemetry(api as Api) : undefined;
}

/** Makes spans and measurements, and passes the context on. Never throws. */
export class Telemetry {
  readonly #contexts: ContextManager | undefined;
  readonly #propagation: Api["propagation"];
  readonly #tracer: Tracer | undefined;
  readonly #meter: Meter | undefined;

  constructor(api: Api) {
    this.#contexts = safely(() => api.context);
    this.#propagation = safely(() => api.propagation);
    this.#tracer = safely(() => api.trace?.getTracer(SCOPE, VERSION));
    this.#meter = safely(() => api.metrics?.getMeter(SCOPE, VERSION));
  }

  /** Starts a span as a child of `parent`, by default of the active one. */
  startSpan(
    name: string,
    { kind, attributes, parent = this.#active() }: {
      kind: SpanKind;
      attributes: Attributes;
      parent?: TelemetryContext | undefined;
    },
  ): TelemetrySpan {
    const options = { kind, attributes: withoutUndefined(attributes) };
    const span = safely(() => this.#tracer?.startSpan(name, options, parent));
    const context = span && safely(() => parent.setValue(SPAN, span));
    return new TelemetrySpan(span, context ?? parent, this.#contexts);
  }

  /** Returns a context as it travels: `traceparent`, and what else the process passes on. */
  inject(context: TelemetryContext): Record<string, string> {
    const carrier: Record<string, string> = {};
    const set = (_carrier: unknown, name: string, value: string) => void (carrier[name] = value);
    safely(() => this.#propagation?.inject(context, carrier, { set }));
    return carrier;
  }

  /** Returns the context that has travelled in `carrier`. */
  extract(carrier: Readonly<Record<string, string>>): TelemetryContext {
    const getter = {
      get: (_carrier: unknown, name: string) =>
        Object.hasOwn(carrier, name) ? carrier[name] : undefined,
      keys: () => Object.keys(carrier),
    };
    const root = this.#active().deleteValue(SPAN);
    return safely(() => this.#propagation?.extract(root, carrier, getter)) ?? root;
  }

  /** Makes a counter, which only grows. */
  counter(name: string, unit: string, description: string): Measure {
    const counter = safely(() => this.#meter?.createCounter(name, { unit, description }));
    return (value, attributes) => safely(() => counter?.add(value, withoutUndefined(attributes)));
  }

  /** Makes a histogram of durations in seconds. */
  durations(name: string, description: string): Measure {
    const advice = { explicitBucketBoundaries: SECONDS };
    const options = { unit: "s", description, advice };
    const histogram = safely(() => this.#meter?.createHistogram(name, options));
    return (value, attributes) =>
      safely(() => histogram?.record(value, withoutUndefined(attributes)));
  }

  /** Has a number collected until the function that it returns is called. */
  observe(
    { kind, name, unit, description, read }: Observed,
    attributes: Attributes,
  ): () => void {
    const options = { unit, description }, meter = this.#meter;
    const observable = safely(() =>
      kind === "counter"
        ? meter?.createObservableCounter(name, options)
        : meter?.createObservableUpDownCounter(name, options)
    );
    const facts = withoutUndefined(attributes);
    const callback: ObservableCallback = (result) => safely(() => result.observe(read(), facts));
    safely(() => observable?.addCallback(callback));
    return () => safely(() => observable?.removeCallback(callback));
  }

  #active(): TelemetryContext {
    return safely(() => this.#contexts?.active()) ?? new PlainContext(new Map());
  }
}

/** A span, and the context in which its children are started. */
export class TelemetrySpan {
  /** The parent of its children. */
  readonly context: TelemetryContext;
  readonly #span: Span | undefined;
  readonly #contexts: ContextManager | undefined;

  constructor(
    span: Span | undefined,
    context: TelemetryContext,
    contexts: ContextManager | undefined,
  ) {
    this.#span = span;
    this.context = context;
    this.#contexts = contexts;
  }

  /** Runs `work` once. Spans that it starts become children of this one. */
  run<T>(work: () => T): T {
    if (!this.#contexts) return work();
    let begun = false;
    const begin = () => {
      begun = true;
      return work();
    };
    try {
      const result = this.#contexts.with(this.context, begin);
      return begun ? result : work();
    } catch (error) {
      if (begun) throw error;
      return work();
    }
  }

  /** Ends it, with an error if it has one. */
  end(attributes: Attributes, error?: unknown): void {
    safely(() => this.#span?.setAttributes(withoutUndefined(attributes)));
    if (error !== undefined) {
      const message = error instanceof Error ? error.message : undefined;
      safely(() => error instanceof Error && this.#span?.recordException(error));
      safely(() => this.#span?.setStatus({ code: 2, ...(message ? { message } : {}) }));
    }
    safely(() => this.#span?.end());
  }
}

/** Returns the name of a failure. There are few of them, as attributes need it. */
export function errorType(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  if (typeof code === "string") return code;
  return error instanceof Error && typeof name === "string" ? name : "_OTHER";
}

/** A context for processes without a context manager. */
class PlainContext implements TelemetryContext {
  readonly #values: ReadonlyMap<symbol, unknown>;

  constructor(values: ReadonlyMap<symbol, unknown>) {
    this.#values = values;
  }

  getValue(key: symbol): unknown {
    return this.#values.get(key);
  }

  setValue(key: symbol, value: unknown): TelemetryContext {
    return new PlainContext(new Map([...this.#values, [key, value]]));
  }

  deleteValue(key: symbol): TelemetryContext {
    return new PlainContext(new Map([...this.#values].filter(([name]) => name !== key)));
  }
}

function withoutUndefined(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).filter(([, value]) => value !== undefined),
  );
}

function safely<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
