import type { ServerConnection } from "../net/server_connection.ts";

/** How long a registration holds without a heartbeat, in milliseconds. */
const EXPIRY = 120_000;

/** How many more connections are looked at when one is not writable. */
const RETRIES = 3;

/** A client of a group, over one connection. */
interface Registration {
  readonly clientId: string;
  lastSeen: number;
}

/** Which connections can be asked about the half messages of a producer group. */
export class ProducerTable {
  readonly #groups = new Map<string, Map<ServerConnection, Registration>>();
  readonly #clients = new Map<string, ServerConnection>();
  #turn = 0;

  /** Takes note of a heartbeat at `now` milliseconds. */
  register(group: string, connection: ServerConnection, clientId: string, now: number): void {
    let members = this.#groups.get(group);
    if (!members) this.#groups.set(group, members = new Map());
    const known = members.get(connection);
    if (known) known.lastSeen = now;
    else {
      members.set(connection, { clientId, lastSeen: now });
      this.#clients.set(clientId, connection);
    }
  }

  /** Takes a connection out of a group. */
  unregister(group: string, connection: ServerConnection): void {
    const members = this.#groups.get(group);
    const registration = members?.get(connection);
    // With one of its groups a client is forgotten as a whole.
    if (registration) this.#clients.delete(registration.clientId);
    members?.delete(connection);
    if (members?.size === 0) this.#groups.delete(group);
  }

  /** Takes a connection that is over out of all groups. */
  forget(connection: ServerConnection): void {
    for (const group of [...this.#groups.keys()]) this.unregister(group, connection);
  }

  /** Closes the connections that have not sent a heartbeat for two minutes. */
  expire(now: number): void {
    for (const members of [...this.#groups.values()]) {
      for (const [connection, { lastSeen }] of [...members]) {
        if (now - lastSeen > EXPIRY) connection.close();
      }
    }
  }

  /**
   * The connection whose turn it is, by one counter for all groups; the next ones when it can't be
   * written to; undefined when the group has none.
   */
  choose(group: string | undefined): ServerConnection | undefined {
    const members = [...this.#groups.get(group ?? "")?.keys() ?? []];
    if (members.length === 0) return undefined;
    this.#turn = (this.#turn + 1) % 2 ** 31;
    let lastOpen: ServerConnection | undefined;
    for (let step = 0; step < RETRIES; step++) {
      const connection = members[(this.#turn + step) % members.length]!;
      if (connection.isWritable) return connection;
      if (connection.isOpen) lastOpen = connection;
    }
    return lastOpen;
  }

  /** The connection over which a client came into a group the last time. */
  connectionOf(clientId: string): ServerConnection | undefined {
    return this.#clients.get(clientId);
  }

  /** The client ids of a group, one for each connection. */
  clientIds(group: string): string[] {
    return [...this.#groups.get(group)?.values() ?? []].map(({ clientId }) => clientId);
  }

  /** The groups that have a connection. */
  get groups(): string[] {
    return [...this.#groups.keys()];
  }
}
