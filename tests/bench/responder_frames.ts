/** A request as a {@linkcode Responder} sees it. */
export interface SeenRequest {
  /** Request code. */
  code: number;
  /** Number of the request. */
  opaque: number;
  /** Whether nobody waits for an answer. */
  oneway: boolean;
  /** The bytes of its header, good until the next frame. */
  header: Uint8Array;
}

/** Bit of `flag` that tells that no answer is wanted. */
const ONEWAY = 2;

const encoder = new TextEncoder();
const CODE = encoder.encode('"code":'), FLAG = encoder.encode('"flag":');
const OPAQUE = encoder.encode('"opaque":');

/** Cuts what comes from a connection into frames, and reads what there is to read of their headers. */
export class RequestReader {
  #memory = new Uint8Array(512 * 1024);
  #end = 0;

  /** Where the next bytes go. */
  get room(): Uint8Array {
    if (this.#end === this.#memory.length) {
      const larger = new Uint8Array(2 * this.#memory.length);
      larger.set(this.#memory);
      this.#memory = larger;
    }
    return this.#memory.subarray(this.#end);
  }

  /** Takes in so many bytes that were put there, and gives each whole frame to `take`. */
  read(count: number, take: (request: SeenRequest) => void): void {
    this.#end += count;
    const memory = this.#memory, end = this.#end;
    let at = 0;
    while (end - at >= 8) {
      const size = int32(memory, at);
      if (end - at < size + 4) break;
      const word = int32(memory, at + 4);
      take(readHeader(memory.subarray(at + 8, at + 8 + (word & 0xffffff)), word >>> 24));
      at += size + 4;
    }
    memory.copyWithin(0, at, end);
    this.#end = end - at;
  }
}

function readHeader(header: Uint8Array, serialization: number): SeenRequest {
  if (serialization === 0) {
    return {
      code: numberAfter(header, CODE),
      opaque: numberAfter(header, OPAQUE),
      oneway: (numberAfter(header, FLAG) & ONEWAY) !== 0,
      header,
    };
  }
  const code = header[0]! << 8 | header[1]!;
  return { code, opaque: int32(header, 5), oneway: (int32(header, 9) & ONEWAY) !== 0, header };
}

function int32(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
}

/** The whole number behind a name; 0 when the name does not occur. Quotes within values are escaped. */
function numberAfter(header: Uint8Array, name: Uint8Array): number {
  const last = header.length - name.length, second = name[1]!;
  search: for (let at = 0; at < last; at++) {
    if (header[at] !== 34 || header[at + 1] !== second) continue;
    for (let i = 2; i < name.length; i++) if (header[at + i] !== name[i]) continue search;
    let value = 0, i = at + name.length;
    const negative = header[i] === 45;
    if (negative) i++;
    for (; header[i]! >= 48 && header[i]! <= 57; i++) value = value * 10 + header[i]! - 48;
    return negative ? -value : value;
  }
  return 0;
}

/** Digits and a sign that the number of a request takes at most. */
const OPAQUE_SIZE = 11;

/** The fields that brokers give a send, with room for a place in the commit log and in the queue. */
export const STORED = `{"queueId":"0","TRACE_ON":"true","MSG_REGION":"DefaultRegion",` +
  `"msgId":"7F00000100002A9F${"0".repeat(16)}","queueOffset":"1${"0".repeat(15)}"}`;

/** An answer that is made once, letter by letter as Java writes it; only a few numbers in it differ. */
export class PreparedAnswer {
  /** All before and all behind the number of the request. */
  readonly #before: Uint8Array;
  readonly #after: Uint8Array;
  readonly #bodySize: number;
  readonly #messageIdAt: number;
  readonly #queueOffsetAt: number;

  /** `fields` is a JSON object; {@linkcode STORED} for the answer to a send. */
  constructor({ fields, body = new Uint8Array() }: { fields?: string; body?: Uint8Array } = {}) {
    const extFields = fields === undefined ? "" : `,"extFields":${fields}`;
    const before = `{"code":0${extFields},"flag":1,"language":"JAVA","opaque":`;
    const after = encoder.encode(`,"serializeTypeCurrentRPC":"JSON","version":513}`);
    this.#before = encoder.encode("\0".repeat(8) + before);
    this.#after = new Uint8Array([...after, ...body]);
    this.#bodySize = body.length;
    const isStored = fields === STORED;
    this.#messageIdAt = isStored ? 8 + before.indexOf('"msgId":"') + '"msgId":"'.length + 31 : 0;
    this.#queueOffsetAt = isStored
      ? 8 + before.indexOf('"queueOffset":"') + '"queueOffset":"'.length + 15
      : 0;
  }

  /** Bytes that it takes at most. */
  get maxSize(): number {
    return this.#before.length + OPAQUE_SIZE + this.#after.length;
  }

  /**
   * Writes it, and gives its size. `position` is the place of the stored message in the queue, below
   * 2^31.
   */
  put(target: Uint8Array, at: number, opaque: number, position: number): number {
    if (this.#messageIdAt > 0) this.#putPosition(position);
    target.set(this.#before, at);
    let end = at + this.#before.length;
    for (const digit of String(opaque)) target[end++] = digit.charCodeAt(0);
    target.set(this.#after, end);
    end += this.#after.length;
    const view = new DataView(target.buffer, target.byteOffset);
    view.setUint32(at, end - at - 4);
    view.setUint32(at + 4, end - at - 8 - this.#bodySize);
    return end - at;
  }

  /** A record of the commit log takes 256 bytes, so that the last two digits of its place are 0. */
  #putPosition(position: number): void {
    const bytes = this.#before;
    for (let digit = 0; digit < 8; digit++) {
      const value = position >>> (4 * digit) & 15;
      bytes[this.#messageIdAt - 2 - digit] = value < 10 ? 48 + value : 55 + value;
    }
    for (let digit = 0, rest = position; digit < 10; digit++) {
      bytes[this.#queueOffsetAt - digit] = 48 + rest % 10;
      rest = Math.floor(rest / 10);
    }
  }
}
