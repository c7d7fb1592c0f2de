import { answers, ask, listBrokers } from "./probe.ts";

/** UPDATE_BROKER_CONFIG: a new `brokerPermission` makes a broker register at once. */
const UPDATE_BROKER_CONFIG = 25;

/** A broker of which name servers should know. */
export interface Registrable {
  /** Broker name. */
  name: string;
  /** `host:port` of the remoting protocol. */
  address: string;
  /** The value of `brokerPermission` that it keeps; "6" is to read and write. */
  permission: string;
}

/**
 * Whether a broker answers and all `nameServers` list it. Where it answers and is not listed, it is
 * urged to register: a broker that starts faster than its connection to a name server misses its
 * first registration, and it would try again only after ten seconds. All are asked over TLS where
 * `caCerts` are given.
 */
export async function isRegistered(
  broker: Registrable,
  nameServers: readonly string[],
  caCerts?: readonly string[],
): Promise<boolean> {
  if (!await answers(broker.address, undefined, caCerts)) return false;
  if (await isListed(broker, nameServers, caCerts)) return true;
  const body = `brokerPermission=${broker.permission}\n`;
  await ask(broker.address, { code: UPDATE_BROKER_CONFIG, body }, undefined, caCerts)
    .catch(() => undefined);
  return await isListed(broker, nameServers, caCerts);
}

async function isListed(
  broker: Registrable,
  nameServers: readonly string[],
  caCerts: readonly string[] | undefined,
): Promise<boolean> {
  const lists = await Promise.all(
    nameServers.map((it) => listBrokers(it, undefined, caCerts).catch(() => [])),
  );
  return lists.every((list) =>
    list.some(({ name, address }) => name === broker.name && address === broker.address)
  );
}
