import { ByteWriter, concat } from "../bytes.ts";
import { InvalidArgumentError } from "../errors.ts";
import { ByteReader } from "./stored_message.ts";
import { type DecodeLimits, readLimit } from "./limits.ts";
import { decodeProperties, encodeProperties } from "./properties.ts";

/** One message of a batch. Topic and queue are those of the request that carries the batch. */
export interface BatchMessage {
  /** The content. It is never compressed in a batch. */
  body: Uint8Array;
  /** All properties, also those of the system. */
  properties: Record<string, string>;
  /**
   * The application's own number, int32.
   *
   * @default {0}
   */
  flag?: number;
}

/** Total size, magic code, CRC, flag, body length, properties length. */
const FIXED_SIZE = 22;

const encoder = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Encodes messages as the body of one batch request.
 *
 * @throws {InvalidArgumentError} when properties can't be carried, or a flag is no 32-bit integer.
 */
export function encodeBatch(messages: readonly BatchMessage[]): Uint8Array {
  return concat(messages.map(encodeBatchMessage));
}

/**
 * Encodes one message of a batch. The body of the request holds them one after another.
 *
 * @throws {InvalidArgumentError} when properties can't be carried, or the flag is no 32-bit integer.
 */
export function encodeBatchMessage({ body, flag = 0, properties }: BatchMessage): Uint8Array {
  if ((flag | 0) !== flag) {
    throw new InvalidArgumentError(`Cannot encode batch: flag ${flag} is not a 32-bit integer`);
  }
  const encoded = encoder.encode(encodeProperties(properties));
  const size = FIXED_SIZE + body.length + encoded.length;
  const writer = new ByteWriter(size);
  writer.integer(size, 4);
  // Magic code and CRC: the broker sets them.
  writer.int64(0n);
  writer.integer(flag, 4);
  writer.integer(body.length, 4);
  writer.bytes(body);
  writer.integer(encoded.length, 2);
  writer.bytes(encoded);
  return writer.finish();
}

/**
 * Decodes the body of a batch request. The bodies are views into the input.
 *
 * @throws {MessageDecodeError} when a message is cut off or states a wrong size, or there are more
 * than `limits` allow.
 */
export function decodeBatch(bytes: Uint8Array, limits: DecodeLimits = {}): BatchMessage[] {
  const maxMessages = readLimit(limits, "maxMessages");
  const reader = new ByteReader(bytes, "batch");
  const messages: BatchMessage[] = [];
  while (!reader.done) {
    const start = reader.offset;
    if (messages.length === maxMessages) {
      throw reader.fail(`there are more than ${maxMessages} messages`, start, maxMessages);
    }
    const size = reader.int32("total size");
    reader.bytes(8, "magic code and CRC");
    const flag = reader.int32("flag");
    const body = reader.bytes(reader.int32("body length"), "body");
    const properties = reader.bytes(reader.int16("properties length"), "properties");
    if (reader.offset - start !== size) {
      throw reader.fail(
        `a message states a size of ${size} bytes and has ${reader.offset - start}`,
        start,
      );
    }
    messages.push({ body, flag, properties: decodeProperties(utf8.decode(properties)) });
  }
  return messages;
}
