import { InvalidArgumentError, MessageDecodeError, printable } from "../errors.ts";
import { hexOf, toHex } from "./hex.ts";
import { formatIp, isPort, parseIp } from "./ip_address.ts";

/** What an offset message id says: where a broker keeps a message. */
export interface OffsetMessageId {
  /** Address of the broker, as it sees itself; IPv6 in Java's form, `0:0:0:0:0:0:0:1`. */
  host: string;
  /** Port of the broker. */
  port: number;
  /** Position in the broker's commit log, in bytes. */
  offset: bigint;
}

/**
 * The id by which a broker names a message that it keeps: address, port and position in its commit
 * log, 32 hexadecimal digits (56 with an IPv6 address).
 *
 * @throws {InvalidArgumentError} when `host` is not an IP address, `port` not 0 to 65535, or `offset`
 * does not fit 64 bits.
 *
 * @example
 * ```ts
 * import { createOffsetMessageId, parseOffsetMessageId } from "@rocketmq-deno/client/message";
 * import { assertEquals } from "@std/assert";
 *
 * const id = createOffsetMessageId("127.0.0.1", 10911, 18836n);
 * assertEquals(id, "7F00000100002A9F0000000000004994");
 * assertEquals(parseOffsetMessageId(id), { host: "127.0.0.1", port: 10911, offset: 18836n });
 * ```
 */
export function createOffsetMessageId(host: string, port: number, offset: bigint): string {
  const ip = parseIp(host);
  if (!ip) throw refuse(`"${printable(host, 64)}" is not an IPv4 or IPv6 address`);
  if (!isPort(port)) throw refuse(`port ${port} is not an integer from 0 to 65535`);
  if (BigInt.asIntN(64, offset) !== offset) throw refuse(`offset ${offset} does not fit 64 bits`);
  return offsetMessageIdOf(ip, port, offset);
}

/** The id of parts that were checked before. */
export function offsetMessageIdOf(ip: Uint8Array, port: number, offset: bigint): string {
  return toHex(ip) + hexOf(port, 8) +
    hexOf(Number(BigInt.asUintN(32, offset >> 32n)), 8) +
    hexOf(Number(BigInt.asUintN(32, offset)), 8);
}

/**
 * Takes an offset message id apart. Don't connect to the address in it: it is how the broker sees
 * itself, the route says how to reach it.
 *
 * @throws {MessageDecodeError} when `id` is not 32 or 56 hexadecimal digits, or its port none.
 */
export function parseOffsetMessageId(id: string): OffsetMessageId {
  if (!/^(?:[0-9a-f]{32}|[0-9a-f]{56})$/i.test(id)) {
    throw new MessageDecodeError(
      `Cannot decode message id "${printable(id, 64)}": it is not 32 or 56 hexadecimal digits`,
    );
  }
  const hostDigits = id.length - 24;
  const port = parseInt(id.slice(hostDigits, hostDigits + 8), 16) | 0;
  if (!isPort(port)) {
    throw new MessageDecodeError(
      `Cannot decode message id "${id}": port ${port} is not from 0 to 65535`,
      {
        offset: hostDigits / 2,
        limit: 0xffff,
      },
    );
  }
  const ip = Array.from({ length: hostDigits / 2 }, (_, i) => byteAt(id, 2 * i));
  return {
    host: ip.length === 4 ? ip.join(".") : formatIp(Uint8Array.from(ip)),
    port,
    offset: BigInt.asIntN(64, BigInt(`0x${id.slice(-16)}`)),
  };
}

function byteAt(digits: string, at: number): number {
  return parseInt(digits.slice(at, at + 2), 16);
}

function refuse(reason: string): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot create message id: ${reason}`);
}
