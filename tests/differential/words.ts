import { Buffer } from "node:buffer";

/*
  The words that this program and the one in Java exchange. Bytes are base64. Texts are base64 of
  UTF-16, so that halves of surrogate pairs can travel, too; no text at all is a minus.
*/

/** No text, or no bytes. */
export const NONE = "-";

/** The word of bytes. */
export function bytesWord(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}

/** The bytes of a word. */
export function readBytes(word: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(word, "base64"));
}

/** The word of a text. */
export function textWord(text: string | undefined): string {
  if (text === undefined) return NONE;
  const view = new DataView(new ArrayBuffer(2 * text.length));
  for (let i = 0; i < text.length; i++) view.setUint16(2 * i, text.charCodeAt(i));
  return bytesWord(new Uint8Array(view.buffer));
}

/** The text of a word. */
export function readText(word: string): string | undefined {
  if (word === NONE) return undefined;
  const { buffer } = readBytes(word), view = new DataView(buffer);
  const units = Array.from({ length: view.byteLength / 2 }, (_, i) => view.getUint16(2 * i));
  return units.map((unit) => String.fromCharCode(unit)).join("");
}

/** The word of names with values, in their order. */
export function mapWord(entries: Iterable<readonly [string, string | undefined]>): string {
  return Array.from(entries, (pair) => pair.map(textWord).join(":")).join(",");
}

/** The word of names with values as Java writes them when it has sorted them. */
export function sortedMapWord(entries: Iterable<readonly [string, string | undefined]>): string {
  return mapWord([...entries].sort(([a], [b]) => a < b ? -1 : 1));
}

/** The names with values of a word. */
export function readMap(word: string): [string, string | undefined][] {
  if (word === "") return [];
  return word.split(",").map((pair) => {
    const [name = "", value = ""] = pair.split(":");
    return [readText(name) ?? "", readText(value)];
  });
}

/** A record with these entries in this order, whatever their names are. */
export function toRecord(entries: Iterable<readonly [string, string]>): Record<string, string> {
  return Object.fromEntries(entries);
}
