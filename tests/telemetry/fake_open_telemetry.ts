const API = Symbol.for("opentelemetry.js.api.1");
const SPAN = Symbol.for("OpenTelemetry Context Key SPAN");

/** A span as it was ended. */
export interface EndedSpan {
  name: string;
  kind: number;
  id: string;
  parent: string | undefined;
  attributes: Record<string, unknown>;
  status: { code: number; message?: string } | undefined;
  exceptions: unknown[];
}

/** A measurement. */
export interface Measurement {
  name: string;
  value: number;
  attributes: Record<string, unknown>;
}

class Context {
  readonly #values: Map<symbol, unknown>;

  constructor(values: Iterable<[symbol, unknown]> = []) {
    this.#values = new Map(values);
  }

  getValue(key: symbol): unknown {
    return this.#values.get(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return new Context([...this.#values, [key, value]]);
  }

  deleteValue(key: symbol): Context {
    return new Context([...this.#values].filter(([name]) => name !== key));
  }
}

/** The API object of OpenTelemetry, registered as long as it is not disposed of. */
export class FakeOpenTelemetry implements Disposable {
  readonly spans: EndedSpan[] = [];
  readonly measurements: Measurement[] = [];
  readonly #before: unknown;
  #active = new Context();
  #nextId = 1;

  constructor(parts: readonly string[] = ["trace", "metrics", "context", "propagation"]) {
    const globals = globalThis as Record<symbol, unknown>;
    this.#before = globals[API];
    const all = this.#api();
    globals[API] = Object.fromEntries(Object.entries(all).filter(([part]) => parts.includes(part)));
  }

  [Symbol.dispose](): void {
    const globals = globalThis as Record<symbol, unknown>;
    if (this.#before === undefined) delete globals[API];
    else globals[API] = this.#before;
  }

  /** Runs `work` within a span of the application; its synchronous part only. */
  within<T>(name: string, work: () => T): T {
    return this.#with(this.#active.setValue(SPAN, { id: name }), work);
  }

  /** The span that is active now. */
  get activeSpan(): string | undefined {
    return idIn(this.#active);
  }

  /** Spans in short: what they are below. */
  tree(): string[] {
    const names = new Map(this.spans.map(({ id, name }) => [id, name]));
    return this.spans.map(({ name, parent }) =>
      `${name} < ${names.get(parent ?? "") ?? parent ?? "-"}`
    );
  }

  #with<T>(context: Context, work: () => T): T {
    const before = this.#active;
    this.#active = context;
    try {
      return work();
    } finally {
      this.#active = before;
    }
  }

  #api(): Record<string, unknown> {
    const record = (name: string) => (value: number, attributes: Record<string, unknown>) =>
      void this.measurements.push({ name, value, attributes });
    return {
      trace: { getTracer: () => ({ startSpan: this.#startSpan.bind(this) }) },
      metrics: {
        getMeter: () => ({
          createCounter: (name: string) => ({ add: record(name) }),
          createHistogram: (name: string) => ({ record: record(name) }),
        }),
      },
      context: { active: () => this.#active, with: this.#with.bind(this) },
      propagation: {
        inject: (
          context: Context,
          carrier: unknown,
          { set }: { set(carrier: unknown, name: string, value: string): void },
        ) => {
          set(carrier, "traceparent", `00-of-${idIn(context)}`);
          set(carrier, "tracestate", "vendor=1");
        },
        extract: (
          context: Context,
          carrier: unknown,
          { get }: { get(carrier: unknown, name: string): string | undefined },
        ) => {
          const id = get(carrier, "traceparent")?.replace(/^00-of-/, "");
          return id === undefined ? context : context.setValue(SPAN, { id });
        },
      },
    };
  }

  #startSpan(
    name: string,
    { kind, attributes }: { kind: number; attributes: Record<string, unknown> },
    context: Context = this.#active,
  ): unknown {
    const span: EndedSpan = {
      name,
      kind,
      id: `span-${this.#nextId++}`,
      parent: idIn(context),
      attributes: { ...attributes },
      status: undefined,
      exceptions: [],
    };
    return {
      id: span.id,
      setAttributes: (more: Record<string, unknown>) => Object.assign(span.attributes, more),
      setStatus: (status: EndedSpan["status"]) => void (span.status = status),
      recordException: (exception: unknown) => void span.exceptions.push(exception),
      end: () => void this.spans.push(span),
    };
  }
}

function idIn(context: Context): string | undefined {
  return (context.getValue(SPAN) as { id: string } | undefined)?.id;
}
