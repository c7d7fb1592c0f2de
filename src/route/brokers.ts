import { describe, printable } from "../errors.ts";
import type { BrokerData } from "../requests/mod.ts";
import { formatAddress, readBrokerAddress } from "./address.ts";

/**
 * Decides whether a broker address that a name server gave may be dialled. Credentials and bodies go
 * there.
 *
 * By default every address is allowed but link-local ones (169.254.0.0/16, fe80::/10), where clouds
 * serve the credentials of machines, and unspecified ones (0.0.0.0, ::), which mean this machine.
 * Addresses are judged as they are written: a host name that resolves to such an address passes, and so
 * does one behind NAT64 (`64:ff9b::a9fe:a9fe`). If you don't trust the name servers, restrict
 * `--allow-net` too.
 *
 * Only `true` allows an address: a promise, as an `async` function gives it, does not.
 *
 * @param host Host name or IP address, without brackets.
 */
export type AllowBroker = (host: string, port: number) => boolean;

/** Describes an IP address as `link-local` or `unspecified`. Returns undefined for others. */
function describeUnusual(host: string): "link-local" | "unspecified" | undefined {
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

/** Id of the master in a broker group. */
export const MASTER_ID = 0;

/** A broker group of a route: a master and its slaves. */
export interface RouteBroker {
  /** Name of the broker. */
  brokerName: string;
  /** Name of its cluster. */
  cluster: string;
  /** The usable `host:port` by broker id. The master has id 0. */
  addresses: ReadonlyMap<number, string>;
}

/** An address of a route that is not used, and the reason. */
export interface RejectedBroker {
  /** Name of the broker, cut to 128 characters. */
  brokerName: string;
  /** Id within the broker group. 0 is the master. */
  brokerId: number;
  /** The address as the name server gave it, fit for a log line, cut to 128 characters. */
  address: string;
  /** The reason with its remedy, without address and broker. */
  reason: string;
}

/** Rules that turn the addresses of a route into those that are dialled. */
export interface BrokerAddressRules {
  /**
   * Rewrites an address before it is judged. If it throws, the broker is left out.
   *
   * @default {every address stays as it is}
   */
  mapAddress?: ((address: string, brokerName: string) => string) | undefined;
  /**
   * Decides whether an address may be dialled. If it throws, the broker is left out.
   *
   * @default {all but link-local and unspecified ones}
   */
  allowBroker?: AllowBroker | undefined;
}

/** The brokers of a route by name, and the addresses that were left out. */
interface BrokerTable {
  /** The usable brokers by name. */
  brokers: ReadonlyMap<string, RouteBroker>;
  /** The addresses that were left out. */
  rejected: readonly RejectedBroker[];
}

/** Reads the usable addresses. Of two entries for one name the first counts, as in Java. */
export function readBrokers(
  brokerDatas: readonly BrokerData[],
  rules: BrokerAddressRules,
): BrokerTable {
  const brokers = new Map<string, RouteBroker>();
  const rejected: RejectedBroker[] = [];
  for (const { brokerName, cluster, brokerAddrs } of brokerDatas) {
    if (brokers.has(brokerName)) continue;
    const addresses = new Map<number, string>();
    for (const [brokerId, address] of brokerAddrs) {
      const usable = readUsable(address, brokerName, rules);
      if (typeof usable === "string") addresses.set(brokerId, usable);
      else {
        rejected.push({
          brokerName: printable(brokerName, 128),
          brokerId,
          address: printable(address, 128),
          reason: usable.reason,
        });
      }
    }
    brokers.set(brokerName, { brokerName, cluster, addresses });
  }
  return { brokers, rejected };
}

/** Most rejected addresses in a log line. */
const MAX_SHOWN = 3;

/** Describes the rejected addresses of a route in one line. Returns undefined if there are none. */
export function describeRejected(
  { topic, rejected }: { topic: string; rejected: readonly RejectedBroker[] },
): string | undefined {
  if (rejected.length === 0) return undefined;
  const shown = rejected.slice(0, MAX_SHOWN).map(({ address, brokerName, reason }) =>
    `"${address}" of broker "${brokerName}": ${reason}`
  );
  const what = rejected.length === 1 ? "address" : `${rejected.length} addresses:`;
  const more = rejected.length > MAX_SHOWN ? `; and ${rejected.length - MAX_SHOWN} more` : "";
  return `Ignored ${what} ${shown.join("; ")}${more}, in the route of topic "${topic}"`;
}

/** Returns the address to dial, or the reason why there is none. The rules may be code of the user. */
function readUsable(
  text: string,
  brokerName: string,
  { mapAddress, allowBroker }: BrokerAddressRules,
): string | { reason: string } {
  let mapped = text;
  try {
    if (mapAddress) mapped = mapAddress(text, brokerName);
  } catch (error) {
    return { reason: `addressMap does not map it: ${describe(error)}` };
  }
  const address = readBrokerAddress(mapped);
  if (typeof address === "string") return { reason: address };
  const { host, port } = address, usable = formatAddress(address);
  if (!allowBroker) {
    const unusual = describeUnusual(host);
    return unusual === undefined ? usable : {
      reason: `it is ${unusual}: set brokerIP1 on the broker, or decide with allowBroker here`,
    };
  }
  try {
    const allowed: unknown = allowBroker(host, port);
    if (allowed === true) return usable;
    if (allowed) return { reason: "allowBroker gave neither true nor false" };
  } catch (error) {
    return { reason: `allowBroker threw: ${describe(error)}` };
  }
  const shown = mapped === text ? "it" : usable;
  return { reason: `allowBroker does not allow ${shown}` };
}
