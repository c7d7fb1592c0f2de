import { InvalidArgumentError, MessageDecodeError, printable } from "../errors.ts";

const BYTES = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).toUpperCase().padStart(2, "0"),
);

/** Returns the number in upper-case hexadecimal, its lowest `digits` digits. */
function hexOf(value: number, digits: 2 | 4 | 8): string {
  let text = BYTES[value & 0xff]!;
  for (let shift = 8; shift < 4 * digits; shift += 8) text = BYTES[value >>> shift & 0xff] + text;
  return text;
}

/** Returns the bytes in upper-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += hexOf(byte, 2);
  return text;
}

/** Reads an id of 32 or 56 hexadecimal digits in either case. Returns undefined for other text. */
function fromHexId(id: string): Uint8Array | undefined {
  if (!/^(?:[0-9a-f]{32}|[0-9a-f]{56})$/i.test(id)) return undefined;
  return Uint8Array.from(
    { length: id.length / 2 },
    (_, i) => parseInt(id.slice(2 * i, 2 * i + 2), 16),
  );
}

/** The place where a broker keeps a message, as an offset message id says it. */
export interface OffsetMessageId {
  /** Address of the broker as it sees itself. IPv6 is in Java's form: `0:0:0:0:0:0:0:1`. */
  host: string;
  /** Port of the broker. */
  port: number;
  /** Position in the broker's commit log, in bytes. */
  offset: bigint;
}

/**
 * Makes the id by which a broker names a message that it keeps: address, port and position in its
 * commit log, 32 hexadecimal digits (56 with an IPv6 address).
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

/** Returns the id of parts that were checked before. */
export function offsetMessageIdOf(ip: Uint8Array, port: number, offset: bigint): string {
  return toHex(ip) + hexOf(port, 8) +
    hexOf(Number(BigInt.asUintN(32, offset >> 32n)), 8) +
    hexOf(Number(BigInt.asUintN(32, offset)), 8);
}

/**
 * Takes an offset message id apart. Don't connect to the address in it: this is how the broker sees
 * itself. The route says how to reach it.
 *
 * @throws {MessageDecodeError} when `id` is not 32 or 56 hexadecimal digits, or its port none.
 */
export function parseOffsetMessageId(id: string): OffsetMessageId {
  const bytes = fromHexId(id);
  if (!bytes) {
    throw new MessageDecodeError(
      `Cannot decode message id "${printable(id, 64)}": it is not 32 or 56 hexadecimal digits`,
    );
  }
  const view = new DataView(bytes.buffer), portAt = bytes.length - 12;
  const port = view.getInt32(portAt), ip = bytes.subarray(0, portAt);
  if (!isPort(port)) {
    throw new MessageDecodeError(
      `Cannot decode message id "${id}": port ${port} is not from 0 to 65535`,
      { offset: portAt, limit: 0xffff },
    );
  }
  return {
    host: ip.length === 4 ? ip.join(".") : formatIp(ip),
    port,
    offset: view.getBigInt64(portAt + 4),
  };
}

function refuse(reason: string): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot create message id: ${reason}`);
}

/** The parts of a unique key. */
export interface UniqueKeyParts {
  /** IPv4 or IPv6 address of the producer. */
  address: string;
  /** Id of its process. The low 16 bits count. */
  processId: number;
  /** Random number of the generator, 32 bits (Java: hash of a class loader). */
  instance: number;
  /** Start of the month, in milliseconds since 1970: see {@linkcode monthStart}. */
  startTime: number;
  /** The current time, in milliseconds since 1970. */
  currentTime: number;
  /** Number of the key. The low 16 bits count. */
  counter: number;
}

/** The parts that can be read from a unique key. */
export interface ParsedUniqueKey {
  /** Address of the producer. IPv6 is in groups of four digits, as the Java library writes it here. */
  address: string;
  /** Low 16 bits of the id of its process. */
  processId: number;
  /** Random number of the generator. */
  instance: number;
  /** Milliseconds since the month began in the producer's time zone. */
  timeInMonth: number;
  /** Low 16 bits of the counter. */
  counter: number;
}

/** Milliseconds before the start of the month from which a time is in another month. Less is a clock that was set back. */
const MAX_CLOCK_DRIFT = 1_000_000;

/** Most keys of one millisecond that the counter can distinguish. */
const KEYS_PER_MILLISECOND = 0x10000;

/**
 * Makes the ids that a producer gives its messages (property `UNIQ_KEY`): 32 or 56 upper-case
 * hexadecimal digits in the layout of the Java library. A generator never returns a key twice within a
 * month, also if the clock stands still or is set back.
 *
 * @example
 * ```ts
 * import { UniqueKeyGenerator } from "@rocketmq-deno/client/message";
 * import { assertMatch, assertNotEquals } from "@std/assert";
 *
 * const generator = new UniqueKeyGenerator({ clock: { now: Date.now, random: Math.random } });
 * assertMatch(generator.next(), /^[0-9A-F]{32}$/);
 * assertNotEquals(generator.next(), generator.next());
 * ```
 */
export class UniqueKeyGenerator {
  readonly #clock: { now(): number };
  /** The digits that all keys begin with: address, process, instance. */
  readonly #prefix: string;
  /** The digits that all keys of `#time` begin with. */
  #stem = "";
  #time = -Infinity;
  /** Keys given for `#time`. */
  #issued = 0;
  #counter = 0;
  #monthStart = 0;
  #nextMonthStart = -Infinity;

  /**
   * Makes a generator. What is left out is drawn at random: the 16 bits of `processId`, the 32 bits of
   * `instance`, which no two generators should share, and an `address` of the loopback network
   * 127.0.0.0/8. The real address takes a permission to find out, and keys have to differ even if every
   * machine takes itself for 127.0.0.1.
   *
   * @param options `clock` returns the time in milliseconds since 1970, and random numbers in [0, 1).
   * @throws {InvalidArgumentError} when `address` is not an IP address.
   */
  constructor(options: {
    clock: { now(): number; random(): number };
    address?: string;
    processId?: number;
    instance?: number;
  }) {
    const { clock } = options;
    const draw = (values: number) => Math.floor(clock.random() * values);
    const address = options.address ?? `127.${draw(256)}.${draw(256)}.${draw(256)}`;
    const processId = options.processId ?? draw(0x10000);
    const instance = options.instance ?? draw(0x100000000);
    this.#clock = clock;
    this.#prefix = prefixOf(address, processId, instance);
  }

  /** Returns the next key. */
  next(): string {
    const now = Math.floor(this.#clock.now());
    if (now > this.#time) this.#beginMillisecond(now);
    else if (this.#issued === KEYS_PER_MILLISECOND) this.#beginMillisecond(this.#time + 1);
    this.#issued++;
    return this.#stem + hexOf(this.#counter++, 4);
  }

  #beginMillisecond(time: number): void {
    this.#time = time;
    this.#issued = 0;
    if (time >= this.#nextMonthStart) {
      this.#monthStart = monthStart(time);
      this.#nextMonthStart = nextMonthStart(time);
    }
    this.#stem = this.#prefix + hexOf(time - this.#monthStart, 8);
  }
}

/**
 * Makes the unique key of these parts.
 *
 * @throws {InvalidArgumentError} when `address` is not an IP address.
 */
export function createUniqueKey(parts: UniqueKeyParts): string {
  const difference = (parts.currentTime - parts.startTime) | 0;
  const time = difference < 0 && difference > -MAX_CLOCK_DRIFT ? 0 : difference;
  return prefixOf(parts.address, parts.processId, parts.instance) + hexOf(time, 8) +
    hexOf(parts.counter, 4);
}

/**
 * Takes a unique key apart.
 *
 * @throws {MessageDecodeError} when `key` is not 32 or 56 hexadecimal digits.
 */
export function parseUniqueKey(key: string): ParsedUniqueKey {
  const bytes = fromHexId(key);
  if (!bytes) {
    throw new MessageDecodeError(
      `Cannot decode unique key "${printable(key, 64)}": it is not 32 or 56 hexadecimal digits`,
    );
  }
  const ipSize = bytes.length - 12;
  const view = new DataView(bytes.buffer, ipSize);
  return {
    address: formatIpPadded(bytes.subarray(0, ipSize)),
    processId: view.getUint16(0),
    instance: view.getUint32(2),
    timeInMonth: view.getUint32(6),
    counter: view.getUint16(10),
  };
}

/** Returns the start of the month of `time` in the runtime's time zone, in milliseconds since 1970. */
export function monthStart(time: number): number {
  return startOfMonth(time, 0);
}

/** Returns the start of the month after that of `time` in the runtime's time zone. */
export function nextMonthStart(time: number): number {
  return startOfMonth(time, 1);
}

function startOfMonth(time: number, later: number): number {
  const date = new Date(time);
  return new Date(date.getFullYear(), date.getMonth() + later, 1).getTime();
}

function prefixOf(address: string, processId: number, instance: number): string {
  const ip = parseIp(address);
  if (!ip) {
    throw new InvalidArgumentError(
      `Cannot create unique key: "${printable(address, 64)}" is not an IPv4 or IPv6 address`,
    );
  }
  return toHex(ip) + hexOf(processId, 4) + hexOf(instance, 8);
}

/** The first 12 bytes of an IPv6 address that stands for an IPv4 address. */
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** An address and a port, as stored messages hold them. */
export interface SocketAddress {
  /** 4 bytes (IPv4) or 16 bytes (IPv6). */
  ip: Uint8Array;
  /** 0 to 65535. */
  port: number;
}

/**
 * Reads the bytes of an IPv4 or IPv6 address. Returns undefined for any other text. As in Java, a zone
 * (`%eth0`) is dropped, and an IPv4-mapped IPv6 address is the IPv4 address.
 */
function parseIp(text: string): Uint8Array | undefined {
  return parseIpv4(text) ?? parseIpv6(text);
}

/** Writes an address. IPv6 is in Java's form, which neither pads nor shortens: `0:0:0:0:0:0:0:1`. */
function formatIp(ip: Uint8Array): string {
  const plain = unmap(ip);
  return plain.length === 4
    ? plain.join(".")
    : groupsOf(plain).map((g) => g.toString(16)).join(":");
}

/** Writes an address. IPv6 is in groups of four digits, as Java writes it in unique keys. */
function formatIpPadded(ip: Uint8Array): string {
  if (ip.length === 4) return ip.join(".");
  return groupsOf(ip).map((group) => group.toString(16).padStart(4, "0")).join(":");
}

/** Writes `host:port`, an IPv6 host in brackets. */
export function formatSocketAddress(ip: Uint8Array, port: number): string {
  const host = formatIp(ip);
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reads `a.b.c.d:port` or `[IPv6]:port`. Returns undefined for any other text. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const [, v6, v4, digits] = match;
  const ip = v6 === undefined ? parseIpv4(v4!) : parseIpv6(v6);
  const port = Number(digits);
  return ip && isPort(port) ? { ip, port } : undefined;
}

/** Reports whether a number can be a port. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 0xffff;
}

function parseIpv4(text: string): Uint8Array | undefined {
  if (!/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return undefined;
  const parts = text.split(".");
  const valid = parts.every((part) => Number(part) <= 255 && String(Number(part)) === part);
  return valid ? Uint8Array.from(parts, Number) : undefined;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const [address, zone, ...more] = text.split("%", 3);
  if (zone === "" || more.length > 0 || address!.length > 45) return undefined;
  const [before, after, ...rest] = address!.split("::", 3);
  if (rest.length > 0) return undefined;
  const head = readGroups(before!, after === undefined);
  const tail = after === undefined ? [] : readGroups(after, true);
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (after === undefined ? missing !== 0 : missing < 1) return undefined;
  const ip = new Uint8Array(16);
  [...head, ...Array<number>(missing).fill(0), ...tail].forEach((group, i) => {
    ip[2 * i] = group >>> 8;
    ip[2 * i + 1] = group;
  });
  return unmap(ip);
}

/** Reads the 16-bit groups between colons. If `atEnd`, the last one may be an IPv4 address. */
function readGroups(text: string, atEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(parseInt(part, 16));
      continue;
    }
    const v4 = atEnd && i === parts.length - 1 ? parseIpv4(part) : undefined;
    if (!v4) return undefined;
    groups.push(v4[0]! << 8 | v4[1]!, v4[2]! << 8 | v4[3]!);
  }
  return groups;
}

function unmap(ip: Uint8Array): Uint8Array {
  const mapped = ip.length === 16 && MAPPED_PREFIX.every((byte, i) => ip[i] === byte);
  return mapped ? ip.subarray(12) : ip;
}

function groupsOf(ip: Uint8Array): number[] {
  return Array.from({ length: 8 }, (_, i) => ip[2 * i]! << 8 | ip[2 * i + 1]!);
}
