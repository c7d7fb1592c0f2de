const QUOTE = 0x22, BACKSLASH = 0x5c, CLOSE = 0x7d, SPACE = 0x20, DELETE = 0x7f;

/** Shapes that are remembered at the same time. */
const MAX_SHAPES = 8;

/** Most fields of a shape. */
const MAX_FIELDS = 32;

/** Longest text of fields that is read by its shape, in bytes. */
const MAX_SIZE = 4096;

/** So often a shape is learned; who changes them all the time is read like any JSON. */
const MAX_LESSONS = 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Whether a name has as many bytes as characters, and can be set like any other. */
function isPlain(name: string): boolean {
  return /^[ -~]*$/.test(name) && name !== "__proto__";
}

/** How the fields of the commands of one code are written. */
interface FieldShape {
  readonly code: number;
  readonly names: readonly string[];
  /** What stands before each value. */
  readonly pieces: readonly Uint8Array[];
  /** An object that has the fields, in their order. */
  readonly empty: Readonly<Record<string, string>>;
}

/**
 * Reads the fields of JSON headers by comparison with those before them. One peer writes those of one
 * code in the same order again and again; where it does, and all values are plain ASCII, only the
 * values have to be found, which takes a fraction of what JSON does. Everything else is left to JSON.
 */
export class FieldShapes {
  readonly #shapes: FieldShape[] = [];
  readonly #ends = new Int32Array(2 * MAX_FIELDS);
  #lessons = 0;

  /** The fields in the JSON object between two positions; undefined when it must be read as JSON. */
  read(
    code: number,
    header: Uint8Array,
    start: number,
    end: number,
  ): Record<string, string> | undefined {
    const shape = this.#shapes.find((shape) => shape.code === code);
    if (!shape || !this.#find(shape, header, start, end)) return undefined;
    const text = decoder.decode(header.subarray(start, end));
    const fields = { ...shape.empty }, { names } = shape, ends = this.#ends;
    for (let i = 0; i < names.length; i++) {
      fields[names[i]!] = text.substring(ends[2 * i]! - start, ends[2 * i + 1]! - start);
    }
    return fields;
  }

  /** Remembers how the fields of a code are written. */
  learn(code: number, fields: Readonly<Record<string, string>>): void {
    const names = Object.keys(fields);
    if (names.length === 0 || names.length > MAX_FIELDS || !names.every(isPlain)) return;
    if (this.#lessons === MAX_LESSONS) return;
    const known = this.#shapes.findIndex((shape) => shape.code === code);
    const free = Math.min(this.#shapes.length, this.#lessons % MAX_SHAPES);
    this.#shapes[known < 0 ? free : known] = {
      code,
      names,
      pieces: names.map((name, i) => encoder.encode(`${i ? '",' : "{"}${JSON.stringify(name)}:"`)),
      empty: Object.fromEntries(names.map((name) => [name, ""])),
    };
    this.#lessons++;
  }

  /** Finds where the values begin and end; false when something else than the shape stands there. */
  #find(
    { pieces }: FieldShape,
    header: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    if (end - start > MAX_SIZE) return false;
    const ends = this.#ends;
    let at = start;
    for (let i = 0; i < pieces.length; i++) {
      const piece = pieces[i]!;
      for (let j = 0; j < piece.length; j++, at++) {
        if (header[at] !== piece[j]) return false;
      }
      ends[2 * i] = at;
      for (let byte = header[at]!; byte !== QUOTE; byte = header[++at]!) {
        if (!(byte >= SPACE && byte < DELETE) || byte === BACKSLASH) return false;
      }
      ends[2 * i + 1] = at;
    }
    return header[at + 1] === CLOSE && at + 2 === end;
  }
}
