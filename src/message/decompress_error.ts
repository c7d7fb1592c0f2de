import { type DecodeErrorOptions, MessageDecodeError } from "../errors.ts";

/** A compressed body is not what it should be. */
export function badBody(
  type: "LZ4" | "ZSTD" | "ZLIB",
  reason: string,
  options: DecodeErrorOptions = {},
): MessageDecodeError {
  return new MessageDecodeError(`Cannot decompress ${type} body: ${reason}`, options);
}

/** A compressed body would become larger than allowed. */
export function bodyTooLarge(limit: number): MessageDecodeError {
  return new MessageDecodeError(
    `Cannot decompress body: it would have more than ${limit} bytes, the limit`,
    { limit },
  );
}
