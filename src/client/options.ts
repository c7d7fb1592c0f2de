import { checkCount, checkFlag, checkTime, namesOf, shown } from "../checks.ts";
import { type Clock, systemClock } from "../clock.ts";
import { InvalidArgumentError, printable } from "../errors.ts";
import { guardLogger, type Logger } from "../logger.ts";
import { type AllowBroker, formatAddress, parseAddress, readAddress } from "../route/mod.ts";
import {
  createTlsDialer,
  type Dialer,
  dialWire,
  type TlsOptions,
  type WireDialer,
} from "../transport/mod.ts";
import { type AccessOptions, type AccessSettings, resolveAccessOptions } from "./access_options.ts";
import { DialRateLimit } from "./connection_pool.ts";
import { type Fetch, fetchUrl } from "./name_server_list.ts";

/**
 * Rewrites the addresses of brokers, by table or by function. Both get an address as the name server
 * gives it. A function may throw for a broker that it does not know. That broker is left out, with a
 * warning, until the function returns an address for it. It is called each time a route is looked up.
 */
export type AddressMap =
  | Readonly<Record<string, string>>
  | ((address: string, brokerName: string) => string);

/** Configures a client of a cluster. Times are milliseconds, sizes bytes. */
export interface ClientOptions extends AccessOptions {
  /**
   * The name servers: `"host:port;host:port"` or a list. Host names, IPv4 and bracketed IPv6
   * addresses are understood: `"[::1]:9876"`. Either this or
   * {@linkcode ClientOptions.nameServersUrl} is needed.
   */
  nameServers?: string | readonly string[];
  /**
   * URL of the list of name servers, in place of {@linkcode ClientOptions.nameServers}: `http:` or
   * `https:`. Its body begins with the line `host:port;host:port`. It is fetched at the start, and
   * polled for changes. Redirects are not followed. Needs `--allow-net` for its host.
   */
  nameServersUrl?: string;
  /**
   * Milliseconds between two polls of {@linkcode ClientOptions.nameServersUrl}.
   *
   * @default {120000}
   */
  nameServersPollInterval?: number;
  /**
   * Fetches {@linkcode ClientOptions.nameServersUrl}.
   *
   * @default {fetch of the runtime}
   */
  fetch?: Fetch;
  /**
   * Sends messages, and requests about topics and messages, to port − 2 of a broker. So other traffic
   * does not delay them. Heartbeats, END_TRANSACTION and check-backs stay on its own port.
   *
   * @default {false}
   */
  vipChannel?: boolean;
  /**
   * The part of the client id after `ip@`. It must differ between the clients of one machine.
   *
   * @default {random}
   */
  instanceName?: string;
  /**
   * Rewrites the broker addresses that the name servers give, for containers and tunnels:
   * `{ "172.17.0.3:10911": "127.0.0.1:10911" }`.
   */
  addressMap?: AddressMap;
  /**
   * Decides which broker addresses are dialled, after {@linkcode ClientOptions.addressMap}. By default
   * link-local and unspecified addresses are refused, because bodies go wherever a route says. A broker
   * for which it throws is left out, with a warning.
   */
  allowBroker?: AllowBroker;
  /**
   * Milliseconds for one dial.
   *
   * @default {3000}
   */
  connectTimeout?: number;
  /**
   * Milliseconds for one answer of a name server, and for a heartbeat.
   *
   * @default {3000}
   */
  requestTimeout?: number;
  /**
   * Milliseconds for `start()`: routes, connections and first heartbeats. If name servers and brokers
   * may restart together, give it 40 s: brokers register again every 30 s.
   *
   * @default {10000}
   */
  startTimeout?: number;
  /**
   * Milliseconds for `shutdown()`: running local transactions, check-backs, unregistering.
   *
   * @default {10000}
   */
  shutdownTimeout?: number;
  /**
   * Milliseconds between two polls of the routes.
   *
   * @default {30000}
   */
  routePollInterval?: number;
  /**
   * Milliseconds between two heartbeats. The broker forgets a client after 120 s without one.
   *
   * @default {30000}
   */
  heartbeatInterval?: number;
  /**
   * Most requests in flight on one connection.
   *
   * @default {65535}
   */
  maxRequestsInFlight?: number;
  /**
   * Most bytes that wait to be written on one connection.
   *
   * @default {67108864}
   */
  maxPendingBytes?: number;
  /**
   * Takes what the client reports; `console` fits. `false` silences it. By default a logger `rocketmq`
   * of `@std/log` gets everything, if the application has set one up. Otherwise warnings and errors are
   * printed, by `@std/log`'s default logger.
   *
   * @default {@std/log}
   */
  logger?: Logger | false;
  /**
   * Connects over TLS: `true`, or with your own certificates. Servers are always verified. It excludes
   * `dialer`.
   *
   * @default {false}
   */
  tls?: boolean | TlsOptions;
  /**
   * Opens connections. With another one the client runs over any transport.
   *
   * @default {TCP, or tls}
   */
  dialer?: Dialer;
  /**
   * Time and randomness, for tests.
   *
   * @default {those of the runtime}
   */
  clock?: Clock;
}

/** Names the options of a client. */
export const CLIENT_OPTIONS: ReadonlySet<string> = namesOf<ClientOptions>({
  nameServers: true,
  nameServersUrl: true,
  nameServersPollInterval: true,
  fetch: true,
  vipChannel: true,
  instanceName: true,
  addressMap: true,
  allowBroker: true,
  connectTimeout: true,
  requestTimeout: true,
  startTimeout: true,
  shutdownTimeout: true,
  routePollInterval: true,
  heartbeatInterval: true,
  maxRequestsInFlight: true,
  maxPendingBytes: true,
  logger: true,
  tls: true,
  dialer: true,
  clock: true,
  credentials: true,
  namespace: true,
  namespaceV2: true,
  unitName: true,
  enableStreamRequestType: true,
  requestHooks: true,
});

/** The options of a client, checked and complete. */
export interface ClientSettings extends AccessSettings {
  /** `host:port` of each name server, each once. None if a URL gives them. */
  readonly nameServers: readonly string[];
  /** See {@linkcode ClientOptions.nameServersUrl}. */
  readonly nameServersUrl: string | undefined;
  /** See {@linkcode ClientOptions.nameServersPollInterval}. */
  readonly nameServersPollInterval: number;
  /** See {@linkcode ClientOptions.fetch}. */
  readonly fetch: Fetch;
  /** See {@linkcode ClientOptions.vipChannel}. */
  readonly vipChannel: boolean;
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
  readonly dialer: WireDialer;
  /** See {@linkcode ClientOptions.clock}. */
  readonly clock: Clock;
  /** Limits how often addresses are dialled, over all starts. */
  readonly dials: DialRateLimit;
}

/** Checks the options of a client and adds the defaults. @throws {InvalidArgumentError} */
export function resolveClientOptions(options: ClientOptions): ClientSettings {
  const clock = options.clock ?? systemClock;
  return {
    ...resolveAccessOptions(options),
    ...resolveNameServers(options),
    vipChannel: checkFlag("vipChannel", options.vipChannel),
    instanceName: checkInstanceName(options.instanceName) ?? randomName(clock),
    mapAddress: addressMapper(options.addressMap),
    allowBroker: options.allowBroker,
    connectTimeout: checkTime("connectTimeout", options.connectTimeout, 3_000),
    requestTimeout: checkTime("requestTimeout", options.requestTimeout, 3_000),
    startTimeout: checkTime("startTimeout", options.startTimeout, 10_000),
    shutdownTimeout: checkTime("shutdownTimeout", options.shutdownTimeout, 10_000),
    routePollInterval: checkTime("routePollInterval", options.routePollInterval, 30_000),
    heartbeatInterval: checkTime("heartbeatInterval", options.heartbeatInterval, 30_000),
    maxRequestsInFlight: checkCount("maxRequestsInFlight", options.maxRequestsInFlight, {
      fallback: 65_535,
      min: 1,
      max: 1_000_000,
    }),
    maxPendingBytes: checkCount("maxPendingBytes", options.maxPendingBytes, {
      fallback: 64 * 1024 * 1024,
      min: 1024,
      max: 2 ** 31,
    }),
    logger: guardLogger(options.logger),
    dials: new DialRateLimit(),
    dialer: chooseDialer(options),
    clock,
  };
}

function chooseDialer({ tls = false, dialer }: ClientOptions): WireDialer {
  if (tls !== false && dialer !== undefined) {
    throw new InvalidArgumentError(
      "Cannot use option tls: it and dialer exclude each other, hand its value to createTlsDialer()",
    );
  }
  if (tls === false) return dialer ?? dialWire;
  if (tls !== true && (tls === null || typeof tls !== "object")) {
    throw new InvalidArgumentError(
      "Cannot use option tls: it must be true, false, or an object with certificates",
    );
  }
  return createTlsDialer(tls === true ? {} : tls);
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
    const mapped = typeof map === "function"
      ? map(address, brokerName)
      : Object.hasOwn(map, address)
      ? map[address]!
      : address;
    if (typeof mapped !== "string") {
      throw new InvalidArgumentError(
        `Cannot use option addressMap: it gave no text for ${printable(address, 80)}`,
      );
    }
    if (mapped !== address) parseAddress(mapped);
    return mapped;
  };
}

function randomName(clock: Clock): string {
  const part = () => Math.floor(clock.random() * 2 ** 32).toString(16).padStart(8, "0");
  return part() + part();
}

/** The settings of a client for its name servers. */
type NameServerSettings = Pick<
  ClientSettings,
  "nameServers" | "nameServersUrl" | "nameServersPollInterval" | "fetch"
>;

/** Checks the source of the name servers, a list or a URL. @throws {InvalidArgumentError} */
function resolveNameServers(options: ClientOptions): NameServerSettings {
  const { nameServers, nameServersUrl } = options;
  if (nameServers !== undefined && nameServersUrl !== undefined) {
    throw new InvalidArgumentError(
      "Cannot use options nameServers and nameServersUrl together: the list comes from one of them",
    );
  }
  return {
    nameServers: nameServersUrl === undefined ? parseNameServers(nameServers) : [],
    nameServersUrl: nameServersUrl === undefined ? undefined : checkUrl(nameServersUrl),
    nameServersPollInterval: checkTime(
      "nameServersPollInterval",
      options.nameServersPollInterval,
      120_000,
    ),
    fetch: checkFetch(options.fetch),
  };
}

function parseNameServers(value: string | readonly string[] | undefined): string[] {
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
        "Cannot use option nameServers: an entry is a URL or has a user name, only host:port is allowed; " +
          "nameServersUrl takes the URL of a list",
      );
    }
    const address = readAddress(text);
    if (typeof address === "string") throw noNameServer(text, address);
    addresses.add(formatAddress(address));
  }
  if (addresses.size === 0) {
    throw new InvalidArgumentError(
      "Cannot use option nameServers: it is empty, at least one host:port is needed",
    );
  }
  return [...addresses];
}

/** Makes the error for an entry that is no address, with what was probably meant. */
function noNameServer(text: string, reason: string): InvalidArgumentError {
  const remedy = text.includes(",")
    ? `several host:port are separated by semicolons: "${text.replaceAll(/\s*,\s*/g, ";")}"`
    : /^[\w.-]+$/.test(text)
    ? `host:port is needed, the port of name servers is 9876 by default: "${text}:9876"`
    : reason;
  return new InvalidArgumentError(
    `Cannot use option nameServers: ${shown(text)} is no address, ${printable(remedy, 256)}`,
  );
}

/** Checks a URL without showing it: it may hold a password. */
function checkUrl(url: string): string {
  const parsed = typeof url === "string" ? URL.parse(url) : null;
  if (parsed && /^https?:$/.test(parsed.protocol)) return parsed.href;
  throw new InvalidArgumentError(
    "Cannot use option nameServersUrl: it must be an http: or https: URL",
  );
}

function checkFetch(fetch: Fetch | undefined): Fetch {
  if (fetch === undefined || typeof fetch === "function") return fetch ?? fetchUrl;
  throw new InvalidArgumentError("Cannot use option fetch: it must be a function like fetch");
}
