import { MessageDecodeError } from "../errors.ts";
import { badBody } from "./decompress_error.ts";
import { OutputBuffer } from "./output_buffer.ts";

/**
 * So many bytes go into the decompressor at once. It gives back all that they become in one piece, at
 * most 1032 times as much, so this bounds what is held beyond the limit.
 */
const SLICE_SIZE = 4096;

/** Most additions after which the sums of Adler-32 still fit 32 bits. */
const ADLER_RUN = 5552;

/** Decompresses a zlib stream (RFC 1950) with the web's own decompressor. */
export async function decompressZlib(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  const { readable, writable } = new DecompressionStream("deflate");
  const reader = readable.getReader(), writer = writable.getWriter();
  const output = new OutputBuffer(4 * bytes.length, limit);
  const feeding = feed(writer, bytes);
  // It is awaited below; until then a failure has no one to go to.
  feeding.catch(() => {});
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      output.write(read.value);
    }
    await feeding;
  } catch (cause) {
    await Promise.allSettled([reader.cancel(cause), writer.abort(cause)]);
    if (cause instanceof MessageDecodeError) throw cause;
    throw badBody("ZLIB", "it is damaged", { cause });
  }
  const plain = output.finish();
  if (readTrailer(bytes) !== adler32(plain)) {
    throw badBody("ZLIB", "the checksum at its end does not match, it is cut off or damaged", {
      offset: Math.max(0, bytes.length - 4),
    });
  }
  return plain;
}

async function feed(
  writer: WritableStreamDefaultWriter<BufferSource>,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length; at += SLICE_SIZE) {
    await writer.write(bytes.slice(at, at + SLICE_SIZE));
  }
  await writer.close();
}

/** The checksum in the last four bytes. Not every runtime notices when it is missing. */
function readTrailer(bytes: Uint8Array): number {
  const [a, b, c, d] = bytes.subarray(-4);
  return bytes.length < 6 ? -1 : (a! << 24 | b! << 16 | c! << 8 | d!) >>> 0;
}

function adler32(bytes: Uint8Array): number {
  let a = 1, b = 0;
  for (let at = 0; at < bytes.length;) {
    for (const end = Math.min(bytes.length, at + ADLER_RUN); at < end; at++) {
      a += bytes[at]!;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return (b << 16 | a) >>> 0;
}
