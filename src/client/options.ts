import { type Clock, systemClock } from "../clock.ts";
import { InvalidArgumentError, printable } from "../errors.ts";
import { defaultLogger, guardLogger, type Logger } from "../logger.ts";
import { type AllowBroker, formatAddress, parseAddress } from "../route/mod.ts";
import { type Dialer, dialTcp } from "../transport/mod.ts";
import { type AccessOptions, type AccessSettings, resolveAccessOptions } from "./access_options.ts";

/** Rewrites the addresses of brokers, by table or by function. */
export type AddressMap =
  | Readonly<Record<string, string>>
  | ((address: string, brokerName: string) => string);

/** What every client of a cluster can be told. Times are milliseconds, sizes bytes. */
export interface ClientOptions extends AccessOptions {
  /**
   * The name servers: `"host:port;host:port"` or a list. Host names, IPv4 and bracketed IPv6
   * addresses are understood: `"[::1]:9876"`.
   */
  nameServers: string | readonly string[];
  /**
   * The part of the client id after `ip@`. It must differ between the clients of one machine; the
   * default is random.
   */
  instanceName?: string;
  /**
   * Rewrites the broker addresses that the name servers give, for containers and tunnels:
   * `{ "172.17.0.3:10911": "127.0.0.1:10911" }`.
   */
  addressMap?: AddressMap;
  /**
   * Decides which broker addresses are dialled at all. By default link-local and unspecified
   * addresses are refused, since bodies would go wherever a route says.
   */
  allowBroker?: AllowBroker;
  /** For one dial. @default {3000} */
  connectTimeout?: number;
  /** For one answer of a name server, and for a heartbeat. @default {3000} */
  requestTimeout?: number;
  /** For `start()`: routes, connections and first heartbeats. @default {10000} */
  startTimeout?: number;
  /** For `shutdown()`: running local transactions, check-backs, unregistering. @default {10000} */
  shutdownTimeout?: number;
  /** Between two looks at the routes. @default {30000} */
  routePollInterval?: number;
  /** Between two heartbeats. The broker forgets a client after 120 s without one. @default {30000} */
  heartbeatInterval?: number;
  /** Most requests in flight on one connection. @default {65535} */
  maxRequestsInFlight?: number;
  /** Most bytes that wait to be written on one connection. @default {67108864} */
  maxPendingBytes?: number;
  /** Log. @default the `@std/log` logger named `rocketmq`, silent until it is set up */
  logger?: Logger;
  /** Opens connections; another one makes the client run over anything. @default TCP */
  dialer?: Dialer;
  /** Time and chance. @default those of the runtime */
  clock?: Clock;
}

/** The options of a client, checked and complete. */
export interface ClientSettings extends AccessSettings {
  /** `host:port` of each name server, each once. */
  readonly nameServers: readonly string[];
  /** The part of the client id after `ip@`. */
  readonly instanceName: string;
  /** Rewrites a broker address. */
  readonly mapAddress: (address: string, brokerName: string) => string;
  /** See {@linkcode ClientOptions.allowBroker}. */
  readonly allowBroker: AllowBroker | undefined;
  /** See {@linkcode ClientOptions.connectTimeout}. */
  readonly connectTimeout: number;
  /** See {@linkcode ClientOptions.requestTimeout}. */
  readonly requestTimeout: number;
  /** See {@linkcode ClientOptions.startTimeout}. */
  readonly startTimeout: number;
  /** See {@linkcode ClientOptions.shutdownTimeout}. */
  readonly shutdownTimeout: number;
  /** See {@linkcode ClientOptions.routePollInterval}. */
  readonly routePollInterval: number;
  /** See {@linkcode ClientOptions.heartbeatInterval}. */
  readonly heartbeatInterval: number;
  /** See {@linkcode ClientOptions.maxRequestsInFlight}. */
  readonly maxRequestsInFlight: number;
  /** See {@linkcode ClientOptions.maxPendingBytes}. */
  readonly maxPendingBytes: number;
  /** See {@linkcode ClientOptions.logger}. */
  readonly logger: Logger;
  /** See {@linkcode ClientOptions.dialer}. */
  readonly dialer: Dialer;
  /** See {@linkcode ClientOptions.clock}. */
  readonly clock: Clock;
}

/** Checks the options of a client and adds the defaults. @throws {InvalidArgumentError} */
export function resolveClientOptions(options: ClientOptions): ClientSettings {
  const clock = options.clock ?? systemClock;
  return {
    ...resolveAccessOptions(options),
    nameServers: parseNameServers(options.nameServers),
    instanceName: checkInstanceName(options.instanceName) ?? randomName(clock),
    mapAddress: addressMapper(options.addressMap),
    allowBroker: options.allowBroker,
    connectTimeout: checkTime("connectTimeout", options.connectTimeout, 3_000),
    requestTimeout: checkTime("requestTimeout", options.requestTimeout, 3_000),
    startTimeout: checkTime("startTimeout", options.startTimeout, 10_000),
    shutdownTimeout: checkTime("shutdownTimeout", options.shutdownTimeout, 10_000),
    routePollInterval: checkTime("routePollInterval", options.routePollInterval, 30_000),
    heartbeatInterval: checkTime("heartbeatInterval", options.heartbeatInterval, 30_000),
    maxRequestsInFlight: checkCount(
      "maxRequestsInFlight",
      options.maxRequestsInFlight,
      65_535,
      1,
      1_000_000,
    ),
    maxPendingBytes: checkCount(
      "maxPendingBytes",
      options.maxPendingBytes,
      64 * 1024 * 1024,
      1024,
      2 ** 31,
    ),
    logger: guardLogger(options.logger ?? defaultLogger),
    dialer: options.dialer ?? dialTcp,
    clock,
  };
}

/** Checks a time in milliseconds: 1 to 2147483647, because a longer timer would fire at once. */
export function checkTime(name: string, value: number | undefined, fallback: number): number {
  return checkCount(name, value, fallback, 1, 2 ** 31 - 1, " ms");
}

/** Checks a whole number within bounds. */
export function checkCount(
  name: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max: number,
  unit = "",
): number {
  if (value === undefined) return fallback;
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new InvalidArgumentError(
      `Cannot use option ${name}: it must be a whole number from ${min} to ${max}${unit}, ` +
        `current value is ${printable(String(value), 64)}`,
    );
  }
  return value;
}

function parseNameServers(value: string | readonly string[]): string[] {
  const list = typeof value === "string" ? value.split(";") : value;
  if (!Array.isArray(list) || list.some((entry) => typeof entry !== "string")) {
    throw new InvalidArgumentError(
      'Cannot use option nameServers: it must be "host:port;host:port" or a list of "host:port"',
    );
  }
  const addresses = new Set<string>();
  for (const entry of list.flatMap((entry) => entry.split(";"))) {
    const text = entry.trim();
    if (!text) continue;
    if (text.includes("@") || text.includes("/")) {
      throw new InvalidArgumentError(
        "Cannot use option nameServers: an entry is a URL or has a user name, only host:port is allowed",
      );
    }
    addresses.add(formatAddress(parseAddress(text)));
  }
  if (addresses.size === 0) {
    throw new InvalidArgumentError(
      "Cannot use option nameServers: it is empty, at least one host:port is needed",
    );
  }
  return [...addresses];
}

function checkInstanceName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  if (typeof name !== "string" || !/^[\w.%|-]{1,127}$/.test(name)) {
    throw new InvalidArgumentError(
      `Cannot use option instanceName: it must be 1 to 127 of the characters A-Z a-z 0-9 _ - . % |, ` +
        `current value is "${printable(String(name), 64)}"`,
    );
  }
  return name;
}

function addressMapper(
  map: AddressMap | undefined,
): (address: string, brokerName: string) => string {
  if (map === undefined) return (address) => address;
  if (typeof map !== "function") {
    for (const target of Object.values(map)) parseAddress(target);
  }
  return (address, brokerName) => {
    const mapped = typeof map === "function" ? map(address, brokerName) : map[address] ?? address;
    parseAddress(mapped);
    return mapped;
  };
}

function randomName(clock: Clock): string {
  const part = () => Math.floor(clock.random() * 2 ** 32).toString(16).padStart(8, "0");
  return part() + part();
}
