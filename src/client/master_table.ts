import type { TopicRoute } from "../route/mod.ts";

/**
 * The masters that the routes of all topics name. What one route tells is taken in on its own, so
 * that the work for it does not grow with the number of topics.
 */
export class MasterTable {
  /** For each broker how many routes name an address, the one told of last at the end. */
  readonly #brokers = new Map<string, Map<string, number>>();
  readonly #masters = new Map<string, string>();

  /** The address of every master; where routes differ, the one told of last. */
  get masters(): ReadonlyMap<string, string> {
    return this.#masters;
  }

  /** Takes in the route that a topic has now, instead of the one that it had. */
  tell(route: TopicRoute, previous: TopicRoute | undefined): void {
    if (route !== previous) {
      for (const { brokerName } of route.brokers) this.#count(route, brokerName, 1);
      for (const { brokerName } of previous?.brokers ?? []) this.#count(previous!, brokerName, -1);
    }
    for (const { brokerName } of route.brokers) {
      const address = route.masterAddress(brokerName);
      if (address !== undefined) this.#isToldLast(brokerName, address);
    }
  }

  #count(route: TopicRoute, brokerName: string, change: 1 | -1): void {
    const address = route.masterAddress(brokerName);
    if (address === undefined) return;
    let addresses = this.#brokers.get(brokerName);
    if (!addresses) this.#brokers.set(brokerName, addresses = new Map());
    const count = (addresses.get(address) ?? 0) + change;
    if (count > 0) addresses.set(address, count);
    else this.#forget(brokerName, address, addresses);
  }

  #forget(brokerName: string, address: string, addresses: Map<string, number>): void {
    addresses.delete(address);
    const last = [...addresses.keys()].at(-1);
    if (last !== undefined) this.#masters.set(brokerName, last);
    else {
      this.#brokers.delete(brokerName);
      this.#masters.delete(brokerName);
    }
  }

  #isToldLast(brokerName: string, address: string): void {
    if (this.#masters.get(brokerName) === address) return;
    const addresses = this.#brokers.get(brokerName)!, count = addresses.get(address)!;
    addresses.delete(address);
    addresses.set(address, count);
    this.#masters.set(brokerName, address);
  }
}
