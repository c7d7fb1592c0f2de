import { InvalidArgumentError, printable, ProtocolError } from "../errors.ts";
import type { JsonRequest } from "../remoting/internal.ts";

interface KindTypes {
  string: string;
  int: number;
  uint: number;
  long: bigint;
  offset: bigint;
  boolean: boolean;
}

/**
 * What a header field holds; on the wire it is always text.
 *
 * | kind | TypeScript | wire |
 * | --- | --- | --- |
 * | `string` | `string` | as it is |
 * | `int` | `number` | decimal int32 |
 * | `uint` | `number` | decimal int32, not negative |
 * | `long` | `bigint` | decimal int64 |
 * | `offset` | `bigint` | decimal int64, not negative |
 * | `boolean` | `boolean` | `true` or `false` |
 */
export type FieldKind = keyof KindTypes;

/** A kind, with `?` behind it when the field may be absent. */
export type FieldSpec = FieldKind | `${FieldKind}?`;

/** The fields of a header by name; `[wireName, spec]` where the wire has another name. */
export type FieldList = Readonly<
  Record<string, FieldSpec | readonly [wireName: string, spec: FieldSpec]>
>;

type SpecOf<E> = E extends readonly [string, infer S] ? S : E;
type ValueOf<S> = S extends `${infer K}?` ? ValueOf<K>
  : S extends keyof KindTypes ? KindTypes[S]
  : never;
type RequiredNames<L> = {
  [N in keyof L]: SpecOf<L[N]> extends `${string}?` ? never : N;
}[keyof L];
type Simplify<T> = { [N in keyof T]: T[N] };

/** The TypeScript type of the fields that a list names. */
export type FieldsOf<L extends FieldList> = Simplify<
  & { -readonly [N in RequiredNames<L>]: ValueOf<SpecOf<L[N]>> }
  & {
    -readonly [N in Exclude<keyof L, RequiredNames<L>>]?: ValueOf<SpecOf<L[N]>> | undefined;
  }
>;

/** The typed fields of a header codec. */
export type HeaderFields<C> = C extends HeaderCodec<infer F> ? F : never;

/** The origin of a header, for errors about it. */
export interface HeaderContext {
  /** `host:port` of the sender. */
  address?: string | undefined;
  /** Name of the broker. */
  brokerName?: string | undefined;
  /** Topic that it is about. */
  topic?: string | undefined;
}

/** Both directions of one command's own header: typed fields to `extFields` and back. */
export interface HeaderCodec<F> {
  /** The command as errors name it, for example `END_TRANSACTION request`. */
  readonly name: string;
  /**
   * The fields as text. Undefined optional fields are left out.
   *
   * @throws {InvalidArgumentError} when a value is missing or outside the range of its kind.
   */
  encode(fields: F): Record<string, string>;
  /**
   * A maker of headers that have some fields in common, and all others set: what the common ones
   * look like is found out once.
   *
   * @throws {InvalidArgumentError} as `encode` does.
   */
  prepare<const C extends keyof F>(common: Pick<F, C>): PreparedHeader<Required<Omit<F, C>>>;
  /**
   * The typed fields. Unknown ones are ignored. An optional field that is empty counts as absent,
   * because the binary header can't tell the two apart.
   *
   * @throws {ProtocolError} naming command and field, when one is missing or not what it should be.
   */
  decode(extFields: Readonly<Record<string, string>>, context?: HeaderContext): F;
}

/** Makes headers that have some fields in common. */
export interface PreparedHeader<V> {
  /** All fields as text, as `encode` gives them. @throws {InvalidArgumentError} as it does. */
  encode(varying: V): Record<string, string>;
  /** Returns the same as members of a JSON object. @throws {InvalidArgumentError} as `encode` does. */
  stringify(varying: V): string;
}

interface Field {
  readonly property: string;
  readonly wireName: string;
  /** The name before a value in JSON. */
  readonly jsonName: string;
  readonly kind: FieldKind;
  readonly optional: boolean;
}

const ALLOWED: Readonly<Record<FieldKind, string>> = {
  string: "text",
  int: "a decimal integer from -2147483648 to 2147483647",
  uint: "a decimal integer from 0 to 2147483647",
  long: "a decimal integer from -9223372036854775808 to 9223372036854775807",
  offset: "a decimal integer from 0 to 9223372036854775807",
  boolean: "true or false",
};

/**
 * Makes the codec of a header whose fields are listed once.
 *
 * ```text
 * const header = defineHeader("VIEW_MESSAGE_BY_ID request", { offset: "offset", topic: "string?" });
 * type Header = HeaderFields<typeof header>; // { offset: bigint; topic?: string | undefined }
 * ```
 */
export function defineHeader<const L extends FieldList>(
  name: string,
  list: L,
): HeaderCodec<FieldsOf<L>> {
  const fields = Object.entries(list).map(([property, entry]): Field => {
    const [wireName, spec] = typeof entry === "string" ? [property, entry] : entry;
    const optional = spec.endsWith("?");
    const kind = (optional ? spec.slice(0, -1) : spec) as FieldKind;
    return { property, wireName, jsonName: `${JSON.stringify(wireName)}:`, kind, optional };
  });
  return {
    name,
    encode: (values) => encodeFields(name, fields, values as Record<string, unknown>),
    prepare: (common) => new PreparedFields(name, fields, common as Record<string, unknown>),
    decode: (extFields, context) => decodeFields(name, fields, extFields, context) as FieldsOf<L>,
  };
}

function encodeFields(
  name: string,
  fields: readonly Field[],
  values: Record<string, unknown>,
): Record<string, string> {
  const extFields: Record<string, string> = {};
  for (const field of fields) {
    const value = values[field.property];
    if (value === undefined && field.optional) continue;
    checkValue(name, field, value);
    extFields[field.wireName] = String(value);
  }
  return extFields;
}

function checkValue(name: string, { property, kind }: Field, value: unknown): void {
  if (isOfKind(value, kind)) return;
  throw new InvalidArgumentError(
    `Cannot write ${name}: "${property}" is ${quote(value)}, ${ALLOWED[kind]} is allowed`,
  );
}

function decodeFields(
  name: string,
  fields: readonly Field[],
  extFields: Readonly<Record<string, string>>,
  context: HeaderContext = {},
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { property, wireName, kind, optional } of fields) {
    const field: unknown = extFields[wireName],
      text = typeof field === "string" ? field : undefined;
    if (optional && !text) continue;
    const value = text === undefined ? undefined : parseValue(text, kind);
    if (value === undefined) {
      const found = text === undefined ? "missing" : quote(text);
      throw new ProtocolError(
        `Cannot read ${name}: field "${wireName}" is ${found}, ${ALLOWED[kind]} is needed`,
        context,
      );
    }
    values[property] = value;
  }
  return values;
}

/** Returns the value that a text stands for, if it is of the kind. */
function parseValue(text: string, kind: FieldKind): string | number | bigint | boolean | undefined {
  switch (kind) {
    case "string":
      return text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "int":
    case "uint": {
      const value = parseInteger(text, 10);
      return isOfKind(value, kind) ? value : undefined;
    }
    case "long":
    case "offset": {
      const short = parseInteger(text, SAFE_DIGITS);
      const isLong = short === undefined && /^-?\d{1,19}$/.test(text);
      const value = short !== undefined ? BigInt(short) : isLong ? BigInt(text) : undefined;
      return isOfKind(value, kind) ? value : undefined;
    }
  }
}

/** Decimal digits that any number has exactly. */
const SAFE_DIGITS = 15;

/** Returns the integer of at most so many digits that a text is, if it is one. */
function parseInteger(text: string, maxDigits: number): number | undefined {
  const start = text.charCodeAt(0) === 0x2d ? 1 : 0, { length } = text;
  if (length === start || length - start > maxDigits) return undefined;
  let value = 0;
  for (let i = start; i < length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    value = 10 * value + digit;
  }
  return start === 0 ? value : 0 - value;
}

function isOfKind(value: unknown, kind: FieldKind): boolean {
  switch (kind) {
    case "int":
    case "uint":
      return typeof value === "number" && (value | 0) === value && (kind === "int" || value >= 0);
    case "long":
    case "offset":
      return typeof value === "bigint" && (kind === "long" || value >= 0n) &&
        (Number.isSafeInteger(Number(value)) || BigInt.asIntN(64, value) === value);
    case "boolean":
      return typeof value === "boolean";
    case "string":
      return typeof value === "string";
  }
}

function quote(value: unknown): string {
  return typeof value === "string" ? `"${printable(value, 40)}"` : printable(String(value), 40);
}

/**
 * Writes texts as JSON strings, and remembers the last two: END_TRANSACTION names its transaction twice,
 * and most requests name the broker of the one before.
 */
class QuotedTexts {
  #last = "";
  #lastQuoted = '""';
  #other = "";
  #otherQuoted = '""';

  quote(text: string): string {
    if (text === this.#last) return this.#lastQuoted;
    const quoted = text === this.#other ? this.#otherQuoted : JSON.stringify(text);
    this.#other = this.#last;
    this.#otherQuoted = this.#lastQuoted;
    this.#last = text;
    return this.#lastQuoted = quoted;
  }
}

class PreparedFields implements PreparedHeader<unknown> {
  readonly #name: string;
  readonly #fields: readonly Field[];
  readonly #common: Record<string, unknown>;
  readonly #varying: readonly Field[];
  /** The text before the value of each field that varies, and behind the last one. */
  readonly #pieces: readonly string[];
  readonly #texts = new QuotedTexts();

  constructor(name: string, fields: readonly Field[], common: Record<string, unknown>) {
    this.#name = name;
    this.#fields = fields;
    this.#common = common;
    const varying: Field[] = [], pieces: string[] = [];
    let text = "";
    for (const field of fields) {
      if (Object.hasOwn(common, field.property)) {
        const value = common[field.property];
        if (value === undefined && field.optional) continue;
        checkValue(name, field, value);
        text += `${field.jsonName}${JSON.stringify(String(value))},`;
      } else {
        const quote = field.kind === "string" ? "" : '"';
        pieces.push(`${text}${field.jsonName}${quote}`);
        varying.push(field);
        text = `${quote},`;
      }
    }
    pieces.push(text.replace(/,$/, ""));
    this.#varying = varying;
    this.#pieces = pieces;
  }

  encode(varying: unknown): Record<string, string> {
    const values = { ...this.#common, ...varying as Record<string, unknown> };
    return encodeFields(this.#name, this.#fields, values);
  }

  /** To join prepared pieces of text costs half of what `JSON.stringify` takes for all fields. */
  stringify(varying: unknown): string {
    const values = varying as Record<string, unknown>, fields = this.#varying;
    let json = "";
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!, value = values[field.property];
      checkValue(this.#name, field, value);
      json += this.#pieces[i]! + (typeof value === "string" ? this.#texts.quote(value) : value);
    }
    return json + this.#pieces[fields.length]!;
  }
}

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

/** Keeps prepared headers by topic, at most `capacity`. */
export class PreparedHeaders<V> {
  readonly #prepare: (topic: string) => PreparedHeader<V>;
  readonly #headers = new Map<string, PreparedHeader<V>>();
  readonly #capacity: number;

  constructor(prepare: (topic: string) => PreparedHeader<V>, capacity = 4096) {
    this.#prepare = prepare;
    this.#capacity = capacity;
  }

  /** Returns the header of a topic. */
  get(topic: string): PreparedHeader<V> {
    let header = this.#headers.get(topic);
    if (header) return header;
    if (this.#headers.size >= this.#capacity) this.#headers.clear();
    header = this.#prepare(topic);
    this.#headers.set(topic, header);
    return header;
  }
}
