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
 * The bytes of an IPv4 or IPv6 address, or undefined for any other text. As in Java, a zone
 * (`%eth0`) is dropped and an IPv4-mapped IPv6 address is the IPv4 address.
 */
export function parseIp(text: string): Uint8Array | undefined {
  return parseIpv4(text) ?? parseIpv6(text);
}

/** Returns the text of an address; IPv6 in Java's form, which neither pads nor shortens: `0:0:0:0:0:0:0:1`. */
export function formatIp(ip: Uint8Array): string {
  const plain = unmap(ip);
  return plain.length === 4
    ? plain.join(".")
    : groupsOf(plain).map((g) => g.toString(16)).join(":");
}

/** Returns the text of an address; IPv6 in groups of four digits, as Java writes it in unique keys. */
export function formatIpPadded(ip: Uint8Array): string {
  if (ip.length === 4) return ip.join(".");
  return groupsOf(ip).map((group) => group.toString(16).padStart(4, "0")).join(":");
}

/** `host:port`, an IPv6 host in brackets. */
export function formatSocketAddress(ip: Uint8Array, port: number): string {
  const host = formatIp(ip);
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reads `a.b.c.d:port` or `[IPv6]:port`; undefined for any other text. */
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

/** Returns the 16-bit groups between colons; the last may be an IPv4 address where `atEnd`. */
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
