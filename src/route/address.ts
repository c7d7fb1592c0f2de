import { InvalidArgumentError, printable } from "../errors.ts";

/** The address of a server. */
export interface Address {
  /** Host name, IPv4 address, or IPv6 address without brackets. */
  host: string;
  /** Port, 1 to 65535. */
  port: number;
}

/** Most characters of an address: the longest host name, brackets and a port have fewer. */
const MAX_TEXT = 300;

/** `fd00::2:10911`, `[fd00::2%eth0]:10911`: an IPv6 host, a scope, a port. */
const LOOSE_IPV6 = /^\[?([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(%[\w.-]{1,32})?\]?:(\d{1,5})$/;

/**
 * Reads `host:port`, an IPv6 host in brackets. Accepts nothing else: no scheme, no path, no user, no
 * spaces, and no form of an IPv4 address but `a.b.c.d`.
 *
 * @throws {InvalidArgumentError} naming the address, without what comes before an `@`.
 */
export function parseAddress(text: string): Address {
  const read = readAddress(text);
  if (typeof read !== "string") return read;
  const at = text.lastIndexOf("@");
  const shown = at < 0 ? text : `…${text.slice(at)}`;
  throw new InvalidArgumentError(`Cannot use address "${printable(shown, 80)}": ${read}`);
}

/**
 * Reads the address of a broker as name servers give it, or says what is wrong with it. Brokers on
 * IPv6 register `fd00::2:10911` or `[fd00::2%eth0]:10911`. The port follows the last colon, and the
 * scope has a meaning on the broker's machine only.
 */
export function readBrokerAddress(text: string): Address | string {
  const match = text.length > MAX_TEXT ? null : LOOSE_IPV6.exec(text);
  return readAddress(match ? `[${match[1]}]:${match[3]}` : text);
}

/** Reads `host:port`, or says what is wrong with it. */
export function readAddress(text: string): Address | string {
  const match = text.length > MAX_TEXT
    ? null
    : /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z._-]+)):([1-9]\d{0,4})$/.exec(text);
  if (!match) {
    const [, ipv6, scope, port] = text.length > MAX_TEXT ? [] : LOOSE_IPV6.exec(text) ?? [];
    const hint = ipv6 === undefined
      ? ""
      : `: [${ipv6}]:${port}${scope === undefined ? "" : ", without a scope"}`;
    return `host:port is needed, an IPv6 host in brackets, the port from 1 to 65535${hint}`;
  }
  const [, ipv6, name, digits] = match;
  const port = Number(digits);
  if (port > 65_535) return `port ${port} is not from 1 to 65535`;
  if (ipv6 !== undefined && !URL.canParse(`http://[${ipv6}]/`)) {
    return "its host is not an IPv6 address";
  }
  if (name !== undefined && !isHost(name)) {
    return "its host is neither a host name nor an IPv4 address of four numbers";
  }
  return { host: ipv6 ?? name!, port };
}

/** Writes `host:port`, an IPv6 host in brackets. */
export function formatAddress(address: Address): string {
  const { host, port } = address;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reports whether `host` is a name for every resolver, or an IPv4 address for every one. */
function isHost(host: string): boolean {
  const labels = host.replace(/\.$/, "").split(".");
  if (host.length > 254 || !labels.every((label) => label !== "" && label.length <= 63)) {
    return false;
  }
  if (!/^(?:\d+|0[xX][0-9A-Fa-f]*)$/.test(labels.at(-1)!)) return true;
  return labels.length === 4 && !host.endsWith(".") &&
    labels.every((label) => /^(?:0|[1-9]\d{0,2})$/.test(label) && Number(label) <= 255);
}
