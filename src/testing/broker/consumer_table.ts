import type { HeartbeatConsumer, Subscription } from "../../requests/mod.ts";
import type { ServerConnection } from "../net/server_connection.ts";

/** How long a registration holds without a heartbeat, in milliseconds. */
const EXPIRY = 120_000;

/** A group of consumers. */
interface Group {
  readonly members: Map<ServerConnection, { readonly clientId: string; lastSeen: number }>;
  /** What the group reads, by topic. */
  subscriptions: ReadonlyMap<string, Subscription>;
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
    const subscriptions = newest(consumer.subscriptions, group.subscriptions);
    const member = group.members.get(connection);
    const isChanged = !member || !areOfSameTopics(group.subscriptions, subscriptions);
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

  /** The client ids of a group, once for each connection. */
  clientIds(groupName: string): string[] {
    return this.members(groupName).map(({ clientId }) => clientId);
  }

  /** The members of a group, connection by connection. */
  members(groupName: string): { clientId: string; connection: ServerConnection }[] {
    const members = this.#groups.get(groupName)?.members ?? [];
    return Array.from(members, ([connection, { clientId }]) => ({ clientId, connection }));
  }

  /** What a group said it reads, by topic; undefined when nobody of it is there. */
  subscriptions(groupName: string): ReadonlyMap<string, Subscription> | undefined {
    return this.#groups.get(groupName)?.subscriptions;
  }
}

/** The topics are those of the last heartbeat. The expression of a known topic stays unless its version grew. */
function newest(
  stated: readonly Subscription[],
  known: ReadonlyMap<string, Subscription>,
): ReadonlyMap<string, Subscription> {
  return new Map(stated.map((subscription) => {
    const old = known.get(subscription.topic);
    const isOlder = old && (subscription.version ?? 0) <= (old.version ?? 0);
    return [subscription.topic, isOlder ? old : subscription];
  }));
}

function areOfSameTopics(
  some: ReadonlyMap<string, Subscription>,
  others: ReadonlyMap<string, Subscription>,
): boolean {
  return some.size === others.size && [...some.keys()].every((topic) => others.has(topic));
}
