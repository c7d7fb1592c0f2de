import { concat } from "../remoting/frames.ts";
import type { Random } from "./random.ts";

/** Values at which lengths, counts and signs go wrong. */
const TELLING_WORDS = [
  0,
  1,
  7,
  8,
  0x7f,
  0x80,
  0xff,
  0x100,
  0x7fff,
  0x8000,
  0xffff,
  0x10000,
  0xffffff,
  0x1000000,
  0x7fffffff,
  0x80000000,
  0xfffffffe,
  0xffffffff,
] as const;

/** Longest input that a mutation makes, in bytes: small inputs are tried more often. */
const MAX_SIZE = 64 * 1024;

/** A changed copy of an input: one to four changes of one byte, a word, or a piece. */
export function mutate(
  random: Random,
  input: Uint8Array,
  others: readonly Uint8Array[],
): Uint8Array {
  let bytes: Uint8Array = input.slice();
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    bytes = change(random, bytes, others);
  }
  return bytes.length > MAX_SIZE ? bytes.slice(0, MAX_SIZE) : bytes;
}

function change(random: Random, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const at = random.below(bytes.length + 1);
  switch (random.below(8)) {
    case 0:
      return withByte(bytes, at, random.below(256));
    case 1:
      return withByte(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)));
    case 2:
      return withWord(random, bytes, at);
    case 3:
      return bytes.slice(0, at);
    case 4: {
      const end = Math.min(bytes.length, at + 1 + random.below(16));
      return concat([bytes.subarray(0, at), bytes.subarray(end)]);
    }
    case 5: {
      const piece = bytes.subarray(at, at + 1 + random.below(64));
      return concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    }
    case 6: {
      const other = random.pick(others);
      return concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))]);
    }
    default: {
      const noise = Uint8Array.from({ length: 1 + random.below(16) }, () => random.below(256));
      return concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
    }
  }
}

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  if (at < bytes.length) bytes[at] = value;
  return bytes;
}

function withWord(random: Random, bytes: Uint8Array, at: number): Uint8Array {
  if (bytes.length < 4) return bytes;
  const offset = Math.min(random.oneIn(2) ? at : at & ~3, bytes.length - 4);
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(offset, random.pick(TELLING_WORDS));
  return bytes;
}
