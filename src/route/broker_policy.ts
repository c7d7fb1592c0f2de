/**
 * Decides whether a broker address that a name server gave may be dialled; credentials and bodies
 * go there.
 *
 * @param host Host name or IP address, without brackets.
 */
export type AllowBroker = (host: string, port: number) => boolean;

/**
 * The default: every address but link-local ones (169.254.0.0/16, fe80::/10), where cloud machines
 * keep their credentials, and unspecified ones (0.0.0.0, ::), which mean this machine. It judges
 * addresses as they are written: a host name that resolves to such an address passes, and so does
 * one behind NAT64 (`64:ff9b::a9fe:a9fe`). Where name servers are not trusted, restrict
 * `--allow-net` too.
 */
export function isBrokerAllowed(host: string): boolean {
  return describeUnusual(host) === undefined;
}

/** What is unusual about an IP address: `link-local`, `unspecified`, or nothing. */
export function describeUnusual(host: string): "link-local" | "unspecified" | undefined {
  const url = host.includes(":") ? URL.parse(`http://[${host}]/`) : null;
  const bare = url?.hostname.slice(1, -1) ?? host;
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(bare);
  const ip = mapped ? ipv4Of(mapped[1]!, mapped[2]!) : bare;
  if (ip === "0.0.0.0" || ip === "::") return "unspecified";
  if (/^169\.254\.\d+\.\d+$/.test(ip) || /^fe[89ab][0-9a-f]:/.test(ip)) return "link-local";
  return undefined;
}

function ipv4Of(high: string, low: string): string {
  const word = parseInt(high, 16) * 0x10000 + parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => word >>> shift & 0xff).join(".");
}
