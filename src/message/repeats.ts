/** A longer body is not judged: few are longer, and deflate sees no repeat that is 32 KiB away. */
const MAX_SIZE = 32 * 1024;

/** Bytes that are counted to find one that occurs often. */
const SAMPLES = 96;

/** Most places that are looked at. */
const MAX_PLACES = 512;

/** A repeat in so many places, or more, makes it worth while to look for them. */
const PLACES_EACH = 12;

/** So many repeats are no chance. */
const ENOUGH = 6;

/** Slots of a table of words: as many as eight bits name. */
const SLOTS = 256;

/** Bytes on either side of a place that are compared. */
const REACH = 4;

/**
 * Whether a body seems to say anything twice. A compressor that looks for repeats in random letters,
 * as in hex or base64 of something encrypted, spends half of its time on finding none. So the places
 * of one frequent byte are looked at, and whether the four bytes before or behind it stood there
 * before: text, JSON and records show that within a few places.
 */
export function seemsToRepeat(bytes: Uint8Array): boolean {
  if (bytes.length > MAX_SIZE) return true;
  const mark = frequentByte(bytes), words = new Int32Array(2 * SLOTS);
  let places = 0, repeats = 0;
  for (
    let at = bytes.indexOf(mark, REACH);
    at >= 0 && at + REACH < bytes.length && places < MAX_PLACES;
    at = bytes.indexOf(mark, at + 1)
  ) {
    places++;
    if (
      stoodThere(words, 0, wordAt(bytes, at - REACH)) ||
      stoodThere(words, SLOTS, wordAt(bytes, at + 1))
    ) {
      if (++repeats >= ENOUGH && repeats * PLACES_EACH >= places) return true;
    }
  }
  return false;
}

/** The most frequent one of some bytes all over the body. */
function frequentByte(bytes: Uint8Array): number {
  // An odd step, so that no column of a table with fields of 2, 4 or 8 bytes is all that is seen.
  const step = Math.floor(bytes.length / SAMPLES) | 1, counts = new Uint8Array(256);
  let mark = bytes[0] ?? 0;
  for (let at = 0, taken = 0; at < bytes.length && taken < SAMPLES; at += step, taken++) {
    const byte = bytes[at]!;
    if (++counts[byte]! > counts[mark]!) mark = byte;
  }
  return mark;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
}

/** Whether a word is in its slot of the table that begins at `start`, where it is put. */
function stoodThere(words: Int32Array, start: number, word: number): boolean {
  const slot = start + (Math.imul(word, 0x9e3779b1) >>> 24), stood = words[slot] === word;
  words[slot] = word;
  return stood;
}
