import type { HeartbeatConsumer } from "../../requests/mod.ts";
import type { ServerConnection } from "../net/server_connection.ts";

/** How long a registration holds without a heartbeat, in milliseconds. */
const EXPIRY = 120_000;

/** A group of consumers. */
interface Group {
  readonly members: Map<ServerConnection, { readonly clientId: string; lastSeen: number }>;
  /** Tag expression by topic. */
  subscriptions: ReadonlyMap<string, string>;
}

/** Which consumers are there, and what they read. */
export class ConsumerTable {
  readonly #groups = new Map<string, Group>();
  readonly #onChange: (group: string, connections: readonly ServerConnection[]) => void;

  /** @param onChange Is told when the members of a group, or what they read, have changed. */
  constructor(onChange: (group: string, connections: readonly ServerConnection[]) => void) {
    this.#onChange = onChange;
  }

  /** Takes note of a heartbeat at `now` milliseconds. */
  register(
    consumer: HeartbeatConsumer,
    connection: ServerConnection,
    clientId: string,
    now: number,
  ): void {
    const { groupName } = consumer;
    let group = this.#groups.get(groupName);
    if (!group) {
      this.#groups.set(groupName, group = { members: new Map(), subscriptions: new Map() });
    }
    const subscriptions = new Map(
      consumer.subscriptions.map(({ topic, expression }) => [topic, expression]),
    );
    const member = group.members.get(connection);
    const isChanged = !member || !areEqual(group.subscriptions, subscriptions);
    if (member) member.lastSeen = now;
    else group.members.set(connection, { clientId, lastSeen: now });
    group.subscriptions = subscriptions;
    if (isChanged) this.#onChange(groupName, [...group.members.keys()]);
  }

  /** Takes a connection out of a group. */
  unregister(groupName: string, connection: ServerConnection): void {
    const group = this.#groups.get(groupName);
    if (!group?.members.delete(connection)) return;
    if (group.members.size === 0) this.#groups.delete(groupName);
    else this.#onChange(groupName, [...group.members.keys()]);
  }

  /** Takes a connection that is over out of all groups. */
  forget(connection: ServerConnection): void {
    for (const groupName of [...this.#groups.keys()]) this.unregister(groupName, connection);
  }

  /** Closes the connections that have not sent a heartbeat for two minutes. */
  expire(now: number): void {
    for (const { members } of [...this.#groups.values()]) {
      for (const [connection, { lastSeen }] of [...members]) {
        if (now - lastSeen > EXPIRY) connection.close();
      }
    }
  }

  /** The client ids of a group. */
  clientIds(groupName: string): string[] {
    const members = this.#groups.get(groupName)?.members.values() ?? [];
    return [...new Set([...members].map(({ clientId }) => clientId))];
  }

  /** What a group said it reads, by topic; undefined when nobody of it is there. */
  subscriptions(groupName: string): ReadonlyMap<string, string> | undefined {
    return this.#groups.get(groupName)?.subscriptions;
  }
}

function areEqual(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([topic, expression]) => b.get(topic) === expression);
}
