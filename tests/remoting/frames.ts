import { assertEquals } from "@std/assert";
import type { RemotingCommand } from "../../src/remoting/mod.ts";

/** A command for tests; `fields` says what matters. */
export function command(fields: Partial<RemotingCommand> = {}): RemotingCommand {
  return {
    code: 0,
    language: 7,
    version: 475,
    opaque: 1,
    flag: 0,
    extFields: {},
    body: new Uint8Array(),
    serializeType: "JSON",
    ...fields,
  };
}

/** A frame around any header, whatever a decoder will think of it. */
export function frameOf(
  header: string | Uint8Array,
  { body = new Uint8Array(), type = 0 }: { body?: Uint8Array; type?: number } = {},
): Uint8Array {
  const bytes = typeof header === "string" ? utf8(header) : header;
  const frame = new Uint8Array(8 + bytes.length + body.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, frame.length - 4);
  view.setUint32(4, (type << 24 | bytes.length) >>> 0);
  frame.set(bytes, 8);
  frame.set(body, 8 + bytes.length);
  return frame;
}

/** Big-endian words of 4 bytes. */
export function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  values.forEach((value, i) => new DataView(bytes.buffer).setUint32(4 * i, value >>> 0));
  return bytes;
}

/** Bytes written as hex, spaces ignored. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replace(/\s/g, "").match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** The bytes of a text. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The bytes that base64 stands for. */
export function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** All pieces after each other. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Everything that a command says, as one text that differs when anything differs. */
export function fingerprint(command: RemotingCommand): string {
  const { code, language, version, opaque, flag, remark, extFields, serializeType } = command;
  const numbers = [code, language, version, opaque, flag, command.body.length].join(" ");
  const body = String.fromCharCode(...sample(command.body));
  return `${numbers} ${serializeType} ${remark} ${JSON.stringify(extFields)} ${body}`;
}

/** Asserts that two lists of commands say the same, without the cost of a deep comparison. */
export function assertSameCommands(
  actual: readonly RemotingCommand[],
  expected: readonly string[],
  name: string,
): void {
  if (actual.length === expected.length) {
    const at = actual.findIndex((command, i) => fingerprint(command) !== expected[i]);
    if (at < 0) return;
    assertEquals(fingerprint(actual[at]!), expected[at], `${name}: command ${at}`);
  }
  assertEquals(actual.length, expected.length, `${name}: number of commands`);
}

/** A generator of numbers in [0, 1) that gives the same ones for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

/** Puts back `Object.prototype.__proto__`, which other runtimes have and Deno has not. */
export function protoAccessor(): Disposable {
  const before = Object.getOwnPropertyDescriptor(Object.prototype, "__proto__");
  Object.defineProperty(Object.prototype, "__proto__", {
    configurable: true,
    get(): unknown {
      return Object.getPrototypeOf(this);
    },
    set(prototype: object | null) {
      if (typeof prototype === "object") Object.setPrototypeOf(this, prototype);
    },
  });
  return {
    [Symbol.dispose]() {
      if (before) Object.defineProperty(Object.prototype, "__proto__", before);
      else Reflect.deleteProperty(Object.prototype, "__proto__");
    },
  };
}

/** The whole body when it is small, else its ends and a comb of what lies between. */
function sample(body: Uint8Array): Uint8Array {
  if (body.length <= 2048) return body;
  const step = Math.ceil(body.length / 1024);
  const comb = body.filter((_, i) => i % step === 0);
  return concat([body.subarray(0, 512), comb, body.subarray(-512)]);
}
