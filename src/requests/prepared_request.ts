import type { JsonRequest } from "../remoting/internal.ts";
import type { PreparedHeader } from "./header.ts";

/**
 * A request of typed fields, for those that are made very often. The fields become text only when
 * it leaves, or when someone asks for them one by one.
 */
export class PreparedRequest<V> implements JsonRequest {
  readonly code: number;
  readonly body?: Uint8Array;
  readonly remark?: string;
  readonly #header: PreparedHeader<V>;
  readonly #varying: V;

  constructor(
    code: number,
    header: PreparedHeader<V>,
    varying: V,
    body?: Uint8Array,
    remark?: string,
  ) {
    this.code = code;
    this.#header = header;
    this.#varying = varying;
    if (body) this.body = body;
    if (remark !== undefined) this.remark = remark;
  }

  get extFields(): Record<string, string> {
    return this.#header.encode(this.#varying);
  }

  fieldsAsJson(): string {
    return this.#header.stringify(this.#varying);
  }
}

/** Prepared headers by topic, as many as are worth to be kept. */
export class PreparedHeaders<V> {
  readonly #prepare: (topic: string) => PreparedHeader<V>;
  readonly #headers = new Map<string, PreparedHeader<V>>();
  readonly #capacity: number;

  constructor(prepare: (topic: string) => PreparedHeader<V>, capacity = 4096) {
    this.#prepare = prepare;
    this.#capacity = capacity;
  }

  /** The header of a topic. */
  get(topic: string): PreparedHeader<V> {
    let header = this.#headers.get(topic);
    if (header) return header;
    if (this.#headers.size >= this.#capacity) this.#headers.clear();
    header = this.#prepare(topic);
    this.#headers.set(topic, header);
    return header;
  }
}
