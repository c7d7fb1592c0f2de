import type { Random } from "../fuzz/random.ts";

/** Characters by which encoders differ, and common ones. */
const CHARACTERS: readonly string[] = [
  ..." abcxyzABCXYZ0189_-%|.,:;=&?!<>(){}[]#@*+~^`'$",
  ...'"\\/\b\t\n\f\r\v\0\x01\x02\x1a\x1f\x7f\x80\x9f\xa0\xad',
  ..."äßéñ£§ЖяΩשעمไ中文注文ﾊﾟ\u0300\u200b\u200d\u2028\u2029\u202e\ufeff\ufffd\ufffe\uffff",
  ..."🦕👩🏽𝒳\u{10000}\u{10ffff}",
];

/** Names that mean something to one language or the other. */
const TELLING_NAMES = [
  "__proto__",
  "constructor",
  "toString",
  "class",
  "null",
  "a b",
  "ключ",
  "🦕",
];

/** Names of the protocol's own fields. */
const USUAL_NAMES = [
  ...[
    "producerGroup",
    "topic",
    "queueId",
    "sysFlag",
    "bornTimestamp",
    "flag",
    "properties",
    "unitMode",
  ],
  ...[
    "a",
    "b",
    "c",
    "i",
    "commitLogOffset",
    "tranStateTableOffset",
    "transactionId",
    "ns",
    "nsd",
    "bname",
  ],
];

/** Texts as a case may have them. */
export interface TextBounds {
  /** Characters that are left out. */
  without?: RegExp;
  /** Longest text; rarely reached. */
  longest?: number;
  /** Half of a surrogate pair may stand alone. */
  loneSurrogates?: boolean;
}

/** A text: empty, short, or sometimes long. */
export function drawText(random: Random, bounds: TextBounds = {}): string {
  const { without, longest = 2_000, loneSurrogates = false } = bounds;
  const length = random.oneIn(8)
    ? 0
    : random.oneIn(20)
    ? random.below(longest)
    : 1 + random.below(Math.min(24, longest));
  const isPlain = random.oneIn(3);
  let text = "";
  for (let i = 0; i < length; i++) {
    const character = isPlain
      ? String.fromCharCode(0x61 + random.below(26))
      : loneSurrogates && random.oneIn(16)
      ? String.fromCharCode(0xd800 + random.below(0x800))
      : random.pick(CHARACTERS);
    if (!without?.test(character)) text += character;
  }
  return text;
}

/** Whether an object keeps this name in its place: those that look like an array's index come first. */
export function keepsItsPlace(name: string): boolean {
  return !/^(?:0|[1-9]\d*)$/.test(name);
}

/** Names with values. No name comes twice; there are none that an object would move. */
export function drawFields(
  random: Random,
  bounds: { names?: TextBounds; values?: TextBounds; most?: number },
): [string, string][] {
  const { most = 12 } = bounds;
  const count = random.oneIn(50) ? random.below(8 * most) : random.below(most + 1);
  const fields = new Map<string, string>();
  for (let i = 0; i < count; i++) {
    const name = random.oneIn(4)
      ? drawText(random, { longest: 100, ...bounds.names })
      : random.pick(random.oneIn(8) ? TELLING_NAMES : USUAL_NAMES);
    if (name === "" || !keepsItsPlace(name)) continue;
    fields.set(name, drawText(random, bounds.values));
  }
  return [...fields];
}

/** Bytes: mostly none or few, sometimes some KiB. */
export function drawBytes(random: Random): Uint8Array {
  const size = random.oneIn(3) ? 0 : random.oneIn(16) ? random.below(8 * 1024) : random.below(100);
  return Uint8Array.from({ length: size }, () => random.below(256));
}

/** A 32-bit integer, often one at which signs and sizes go wrong. */
export function drawInt32(random: Random): number {
  const edges = [0, 1, -1, 127, 128, 255, 256, 32767, 32768, 65535, 2 ** 31 - 1, -(2 ** 31)];
  return random.oneIn(3) ? random.pick(edges) : random.next() | 0;
}
