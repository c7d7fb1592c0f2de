import { printable } from "../errors.ts";
import type { BrokerData } from "../requests/mod.ts";
import { readAddress } from "./address.ts";
import { type AllowBroker, describeUnusual } from "./broker_policy.ts";

/** Id of the master in a broker group. */
export const MASTER_ID = 0;

/** A broker group of a route: a master and its slaves. */
export interface RouteBroker {
  /** Name of the broker. */
  brokerName: string;
  /** Name of its cluster. */
  cluster: string;
  /** The usable `host:port` by broker id; the master has id 0. */
  addresses: ReadonlyMap<number, string>;
}

/** An address of a route that is not used, and why. */
export interface RejectedBroker {
  /** Name of the broker, cut to 128 characters. */
  brokerName: string;
  /** Id within the broker group; 0 is the master. */
  brokerId: number;
  /** The address as the name server gave it, fit for a log line, cut to 128 characters. */
  address: string;
  /** A sentence without address and broker, with the remedy. */
  reason: string;
}

/** The brokers of a route by name, and the addresses that were left out. */
export interface BrokerTable {
  /** The usable brokers by name. */
  brokers: ReadonlyMap<string, RouteBroker>;
  /** What was left out. */
  rejected: readonly RejectedBroker[];
}

/** Takes the usable addresses; of two entries for one name the first counts, as in Java. */
export function readBrokers(
  brokerDatas: readonly BrokerData[],
  allowBroker: AllowBroker | undefined,
): BrokerTable {
  const brokers = new Map<string, RouteBroker>();
  const rejected: RejectedBroker[] = [];
  for (const { brokerName, cluster, brokerAddrs } of brokerDatas) {
    if (brokers.has(brokerName)) continue;
    const addresses = new Map<number, string>();
    for (const [brokerId, address] of brokerAddrs) {
      const reason = reasonAgainst(address, allowBroker);
      if (reason === undefined) addresses.set(brokerId, address);
      else {
        rejected.push({
          brokerName: printable(brokerName, 128),
          brokerId,
          address: printable(address, 128),
          reason,
        });
      }
    }
    brokers.set(brokerName, { brokerName, cluster, addresses });
  }
  return { brokers, rejected };
}

function reasonAgainst(text: string, allowBroker: AllowBroker | undefined): string | undefined {
  const address = readAddress(text);
  if (typeof address === "string") return address;
  if (allowBroker) {
    return allowBroker(address.host, address.port) ? undefined : "allowBroker does not allow it";
  }
  const unusual = describeUnusual(address.host);
  return unusual &&
    `it is ${unusual}: set brokerIP1 on the broker, or decide with allowBroker here`;
}
