import { Buffer } from "node:buffer";
import { crc32, deflateSync, inflateSync } from "node:zlib";

const SIGNATURE_SIZE = 8;

/** Bytes of a pixel of the pictures that browsers make. */
const PIXEL = 3;

/**
 * Compresses the pixels of a PNG as well as it goes; browsers do it quickly instead. The rows of a
 * drawn page repeat themselves, which shows best when they are not filtered.
 */
export function shrinkPng(png: Uint8Array): Uint8Array {
  const chunks = readChunks(png);
  const packed = chunks.filter(({ type }) => type === "IDAT").map(({ data }) => data);
  const [header] = chunks;
  const stride = new DataView(png.buffer, png.byteOffset).getUint32(16) * PIXEL;
  const pixels = removeFilters(inflateSync(Buffer.concat(packed)), stride);
  const data = deflateSync(pixels, { level: 9, memLevel: 9 });
  return Buffer.concat([
    png.subarray(0, SIGNATURE_SIZE),
    writeChunk("IHDR", header!.data),
    writeChunk("IDAT", data),
    writeChunk("IEND", new Uint8Array()),
  ]);
}

/** The same rows, each with the filter "none". */
function removeFilters(rows: Uint8Array, stride: number): Uint8Array {
  const plain = new Uint8Array(rows.length);
  const length = stride + 1;
  for (let start = 0; start < rows.length; start += length) {
    const filter = rows[start]!;
    for (let x = 1; x <= stride; x++) {
      const at = start + x;
      const left = x > PIXEL ? plain[at - PIXEL]! : 0;
      const above = plain[at - length] ?? 0;
      const corner = x > PIXEL ? plain[at - length - PIXEL] ?? 0 : 0;
      plain[at] = rows[at]! + prediction(filter, left, above, corner);
    }
  }
  return plain;
}

/** What a filter of PNG takes a byte to be, by its neighbours. */
function prediction(filter: number, left: number, above: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  if (filter !== 4) return 0;
  const guess = left + above - corner;
  const distances = [left, above, corner].map((value) => Math.abs(guess - value));
  const nearest = distances.indexOf(Math.min(...distances));
  return [left, above, corner][nearest]!;
}

function readChunks(png: Uint8Array): { type: string; data: Uint8Array }[] {
  const view = new DataView(png.buffer, png.byteOffset);
  const chunks = [];
  for (let at = SIGNATURE_SIZE; at < png.length;) {
    const size = view.getUint32(at);
    const type = new TextDecoder().decode(png.subarray(at + 4, at + 8));
    chunks.push({ type, data: png.subarray(at + 8, at + 8 + size) });
    at += size + 12;
  }
  return chunks;
}

function writeChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(data.length + 12);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  chunk.set(new TextEncoder().encode(type), 4);
  chunk.set(data, 8);
  view.setUint32(data.length + 8, crc32(chunk.subarray(4, data.length + 8)));
  return chunk;
}
