import { InvalidArgumentError } from "../errors.ts";
import { formatAddress, parseAddress } from "../route/mod.ts";
import { type Fetch, fetchUrl } from "./name_server_list.ts";
import { checkTime } from "./option_checks.ts";

/** The options of a client that say which name servers it has. */
interface NameServerOptions {
  readonly nameServers?: string | readonly string[];
  readonly nameServersUrl?: string;
  readonly nameServersPollInterval?: number;
  readonly fetch?: Fetch;
}

/** The same, checked and complete. */
interface NameServerSettings {
  readonly nameServers: readonly string[];
  readonly nameServersUrl: string | undefined;
  readonly nameServersPollInterval: number;
  readonly fetch: Fetch;
}

/** Checks where the name servers come from: a list or a URL. @throws {InvalidArgumentError} */
export function resolveNameServers(options: NameServerOptions): NameServerSettings {
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
    addresses.add(formatAddress(parseAddress(text)));
  }
  if (addresses.size === 0) {
    throw new InvalidArgumentError(
      "Cannot use option nameServers: it is empty, at least one host:port is needed",
    );
  }
  return [...addresses];
}

/** A URL may hold a password: no message shows it. */
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
