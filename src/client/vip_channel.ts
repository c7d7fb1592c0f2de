import { type Clock, Deadline, type WaitOptions } from "../clock.ts";
import { ConnectionError } from "../errors.ts";
import { formatAddress, parseAddress } from "../route/mod.ts";
import type { Connection } from "../transport/mod.ts";
import type { ConnectionPool } from "./connection_pool.ts";

/** Difference between a broker's own port and its VIP port. */
const DISTANCE = 2;

/** The settings of the VIP channel. */
interface VipChannelOptions {
  /** Connections to VIP ports. */
  pool: ConnectionPool;
  clock: Clock;
  /** Returns the registered connection to a broker. */
  link: (brokerName: string, options: WaitOptions) => Promise<Connection>;
}

/** Connections to the second port of brokers, which heartbeats and check-backs don't use. */
export class VipChannel {
  readonly #options: VipChannelOptions;

  constructor(options: VipChannelOptions) {
    this.#options = options;
  }

  /** Returns the connection to the VIP port of a broker, after this client has registered. @throws {ConnectionError} */
  async get(brokerName: string, options: WaitOptions): Promise<Connection> {
    const { pool, link, clock } = this.#options;
    const deadline = new Deadline(clock, options.timeout);
    const { address } = await link(brokerName, options);
    return await pool.get(this.addressOf(address, brokerName), {
      timeout: deadline.remaining,
      signal: options.signal,
    });
  }

  /** Returns the VIP address of a broker. @throws {ConnectionError} when its port leaves no room for one. */
  addressOf(address: string, brokerName?: string): string {
    const { host, port } = parseAddress(address);
    if (port > DISTANCE) return formatAddress({ host, port: port - DISTANCE });
    throw new ConnectionError(
      "CONNECT_FAILED",
      `Cannot use the VIP channel of ${
        brokerName === undefined ? "the broker" : `broker "${brokerName}"`
      } ` +
        `at ${address}: it would be port ${port} - ${DISTANCE}. Set vipChannel to false here, or another listenPort on the broker`,
      { address, brokerName },
    );
  }

  /** Ends the connections to all but these brokers, by their own addresses. */
  keepOnly(addresses: Iterable<string>, reason: string): void {
    const wanted = new Set<string>();
    for (const address of addresses) {
      const { host, port } = parseAddress(address);
      wanted.add(formatAddress({ host, port: port - DISTANCE }));
    }
    this.#options.pool.closeOthers(wanted, reason);
  }
}
