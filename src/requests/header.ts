import type { ByteWriter } from "../bytes.ts";
import { InvalidArgumentError, printable, ProtocolError } from "../errors.ts";
import type { JsonRequest, RemotingRequest } from "../remoting/internal.ts";

interface KindTypes {
  string: string;
  int: number;
  uint: number;
  long: bigint;
  offset: bigint;
  boolean: boolean;
}

/**
 * The kind of a header field. On the wire every field is text.
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

/** A kind, followed by `?` if the field may be absent. */
export type FieldSpec = FieldKind | `${FieldKind}?`;

/** The fields of a header by name. `[wireName, spec]` if the name on the wire differs. */
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
  /** Topic of the request. */
  topic?: string | undefined;
}

/** Encodes and decodes the header of one command: typed fields to `extFields` and back. */
export interface HeaderCodec<F> {
  /** The command as errors name it, for example `END_TRANSACTION request`. */
  readonly name: string;
  /**
   * Encodes the fields as text. Undefined optional fields are left out.
   *
   * @throws {InvalidArgumentError} when a value is missing or outside the range of its kind.
   */
  encode(fields: F): Record<string, string>;
  /**
   * Makes an encoder of headers that share the values of some fields, and have all others set. It
   * encodes the shared ones only once.
   *
   * @throws {InvalidArgumentError} like `encode`.
   */
  prepare<const C extends keyof F>(common: Pick<F, C>): PreparedHeader<Required<Omit<F, C>>>;
  /**
   * Decodes the typed fields. Unknown ones are ignored. An optional field that is empty counts as
   * absent, because the two look the same in the binary header.
   *
   * @throws {ProtocolError} naming command and field, when one is missing or malformed.
   */
  decode(extFields: Readonly<Record<string, string>>, context?: HeaderContext): F;
}

/** Encodes headers that share the values of some fields. */
export interface PreparedHeader<V> {
  /** Encodes all fields as text. @throws {InvalidArgumentError} like {@linkcode HeaderCodec.encode}. */
  encode(varying: V): Record<string, string>;
  /** Encodes all fields as members of a JSON object. @throws {InvalidArgumentError} like `encode`. */
  write(writer: ByteWriter, varying: V): void;
}

/** Makes the function that makes requests of a code out of the typed fields of their header. */
export function requestMaker<F>(
  code: number,
  header: HeaderCodec<F>,
): (fields: F) => RemotingRequest {
  return (fields) => ({ code, extFields: header.encode(fields) });
}

interface Field {
  readonly property: string;
  readonly wireName: string;
  /** The name before a value in JSON. */
  readonly jsonName: string;
  readonly kind: FieldKind;
  readonly optional: boolean;
}

/** A header as its fields were listed. */
interface Layout {
  /** The command as errors name it. */
  readonly name: string;
  readonly fields: readonly Field[];
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
 * Makes the codec of a header from one list of its fields.
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
  const layout = { name, fields };
  return {
    name,
    encode: (values) => encodeFields(layout, values as Record<string, unknown>),
    prepare: (common) => new PreparedFields(layout, common as Record<string, unknown>),
    decode: (extFields, context) => decodeFields(layout, extFields, context) as FieldsOf<L>,
  };
}

function encodeFields(
  { name, fields }: Layout,
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
  { name, fields }: Layout,
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

/** Parses a text. Returns undefined if it is not of the kind. */
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
      if (short !== undefined) return kind === "long" || short >= 0 ? BigInt(short) : undefined;
      const value = /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
      return isOfKind(value, kind) ? value : undefined;
    }
  }
}

/** Number of decimal digits that a JavaScript number always holds exactly. */
const SAFE_DIGITS = 15;

/** Parses an integer of at most `maxDigits` digits. Returns undefined for other text. */
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

const encoder = new TextEncoder();

class PreparedFields implements PreparedHeader<unknown> {
  readonly #layout: Layout;
  readonly #common: Record<string, unknown>;
  readonly #varying: readonly Field[];
  /** The text before the value of each field that varies, and after the last one. */
  readonly #pieces: readonly Uint8Array[];
  readonly #texts = new QuotedTexts();

  constructor(layout: Layout, common: Record<string, unknown>) {
    this.#layout = layout;
    this.#common = common;
    const varying: Field[] = [], pieces: Uint8Array[] = [];
    let text = "";
    for (const field of layout.fields) {
      if (Object.hasOwn(common, field.property)) {
        const value = common[field.property];
        if (value === undefined && field.optional) continue;
        checkValue(layout.name, field, value);
        text += `${field.jsonName}${JSON.stringify(String(value))},`;
      } else {
        const quote = field.kind === "string" ? "" : '"';
        pieces.push(encoder.encode(`${text}${field.jsonName}${quote}`));
        varying.push(field);
        text = `${quote},`;
      }
    }
    pieces.push(encoder.encode(text.replace(/,$/, "")));
    this.#varying = varying;
    this.#pieces = pieces;
  }

  encode(varying: unknown): Record<string, string> {
    const values = { ...this.#common, ...varying as Record<string, unknown> };
    return encodeFields(this.#layout, values);
  }

  write(writer: ByteWriter, varying: unknown): void {
    const values = varying as Record<string, unknown>, fields = this.#varying;
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!, value = values[field.property];
      checkValue(this.#layout.name, field, value);
      writer.bytes(this.#pieces[i]!);
      writer.text(typeof value === "string" ? this.#texts.quote(value) : String(value));
    }
    writer.bytes(this.#pieces[fields.length]!);
  }
}

/** The parts of a {@linkcode PreparedRequest}. */
interface RequestParts<V> {
  code: number;
  header: PreparedHeader<V>;
  /** The fields that the header does not have in common with others. */
  varying: V;
  body?: Uint8Array | undefined;
  remark?: string | undefined;
}

/**
 * A request of typed fields, for requests that are sent very often. The fields become text only when it
 * leaves, or when they are read one by one.
 */
export class PreparedRequest<V> implements JsonRequest {
  readonly code: number;
  readonly body?: Uint8Array;
  readonly remark?: string;
  readonly #header: PreparedHeader<V>;
  readonly #varying: V;

  constructor({ code, header, varying, body, remark }: RequestParts<V>) {
    this.code = code;
    this.#header = header;
    this.#varying = varying;
    if (body) this.body = body;
    if (remark !== undefined) this.remark = remark;
  }

  get extFields(): Record<string, string> {
    return this.#header.encode(this.#varying);
  }

  writeFields(writer: ByteWriter): void {
    this.#header.write(writer, this.#varying);
  }
}

/** Keeps prepared headers by topic, at most `capacity` of them. */
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
