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

/** An answer that is made once; only a few numbers in it differ. */
export class PreparedAnswer {
  readonly #bytes: Uint8Array;
  readonly #opaqueAt: number;
  readonly #messageIdAt: number;
  readonly #queueOffsetAt: number;

  /** With `stored`, it is the answer to a send. */
  constructor(stored: boolean, body: Uint8Array = new Uint8Array()) {
    const fields = stored
      ? `{"queueId":"0","msgId":"7F00000100002A9F${"0".repeat(16)}","queueOffset":"1${
        "0".repeat(15)
      }"}`
      : "{}";
    const header = `{"code":0,"extFields":${fields},"flag":1,"language":"JAVA",` +
      `"opaque":           0,"serializeTypeCurrentRPC":"JSON","version":503}`;
    const head = encoder.encode(header), bytes = new Uint8Array(8 + head.length + body.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 4 + head.length + body.length);
    view.setUint32(4, head.length);
    bytes.set(head, 8);
    bytes.set(body, 8 + head.length);
    this.#bytes = bytes;
    this.#opaqueAt = 8 + header.indexOf('"opaque":') + '"opaque":'.length + 11;
    this.#messageIdAt = stored ? 8 + header.indexOf('"msgId":"') + '"msgId":"'.length + 31 : 0;
    this.#queueOffsetAt = stored
      ? 8 + header.indexOf('"queueOffset":"') + '"queueOffset":"'.length + 15
      : 0;
  }

  /** Its size. */
  get size(): number {
    return this.#bytes.length;
  }

  /** Writes it; `position` is the place of the stored message in the queue, below 2^31. */
  put(target: Uint8Array, at: number, opaque: number, position: number): void {
    const bytes = this.#bytes;
    let i = this.#opaqueAt, rest = Math.abs(opaque);
    for (let digit = 0; digit < 12; digit++, i--) {
      bytes[i] = rest > 0 || digit === 0 ? 48 + rest % 10 : 32;
      rest = Math.floor(rest / 10);
    }
    if (opaque < 0) {
      let sign = this.#opaqueAt;
      while (bytes[sign] !== 32) sign--;
      bytes[sign] = 45;
    }
    if (this.#messageIdAt > 0) this.#putPosition(position);
    target.set(bytes, at);
  }

  /** A record of the commit log takes 256 bytes, so that the last two digits of its place are 0. */
  #putPosition(position: number): void {
    const bytes = this.#bytes;
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
