import { type Clock, sleep } from "../clock.ts";
import { describe } from "../errors.ts";
import type { Logger } from "../logger.ts";

/** Milliseconds for which the notices of brokers are gathered before the members are asked for. */
const MERGE_TIME = 200;

/** Milliseconds between two changes that are taken: a list that flaps moves no queue to and fro. */
const CHANGE_INTERVAL = 1_000;

/** Milliseconds until the members are asked for without a notice. */
const POLL_INTERVAL = 20_000;

/** Milliseconds until the next attempt after a failure. */
const RETRY_INTERVAL = 1_000;

/** Milliseconds after which a member is dead that a broker lists no more. It may just reconnect. */
const GRACE = 1_000;

/**
 * Milliseconds after a connection to a broker was made again in which its list may lack members: it may
 * have restarted, and they have not come back to it yet.
 */
const RETURN_TIME = 5_000;

/** Milliseconds for which a missing member is remembered: longer than a broker keeps its locks. */
const MEMORY = 90_000;

/** What a broker lists. */
export interface MemberList {
  /** The client ids, sorted, each once. */
  readonly members: readonly string[];
  /** Those that are listed more than once. */
  readonly repeated: readonly string[];
}

/** What the watch needs. */
interface MembersOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Returns the id of this client. */
  self(): string;
  /** Returns the names of the brokers that can be asked. */
  brokerNames(): readonly string[];
  /** Asks a broker for the members of the group. */
  list(brokerName: string, signal: AbortSignal): Promise<MemberList>;
  /** Called with the members when they are known for the first time, and when they changed. */
  onChange(members: readonly string[]): void;
  /** Called after every look at a list. */
  onLook(brokerName: string, list: MemberList): void;
}

/**
 * Watches who is in the group. All members ask the first broker by name, so they mostly see the same
 * list. If they do not, the locks of the queues decide.
 */
export class Members {
  readonly #options: MembersOptions;
  readonly #ending = new AbortController();
  /** The brokers that were registered with, and when that happened again. */
  readonly #returnedAt = new Map<string, number>();
  /** When each client id of this kind of consumer was seen last. */
  readonly #seenAt = new Map<string, number>();
  /** Since when a broker does not list a client id. */
  readonly #missingSince = new Map<string, Map<string, number>>();
  #current: readonly string[] = [];
  #changedAt = -Infinity;
  #notice = Promise.withResolvers<void>();
  #watching: Promise<void> | undefined;

  constructor(options: MembersOptions) {
    this.#options = options;
  }

  /** Returns the members as they were taken last. */
  get current(): readonly string[] {
    return this.#current;
  }

  /** Begins to watch. */
  start(): void {
    this.#watching ??= this.#watch();
  }

  /** Takes the notice that the members may have changed. */
  notify(): void {
    this.#notice.resolve();
  }

  /** Takes note of a new connection to a broker. */
  registered(brokerName: string): void {
    const isReturn = this.#returnedAt.has(brokerName);
    this.#returnedAt.set(brokerName, isReturn ? this.#options.clock.monotonic() : -Infinity);
    this.#missingSince.delete(brokerName);
    this.notify();
  }

  /**
   * Returns the members that died, as a broker sees it. Only consumers of this module are named: they
   * stop by themselves when their connection is gone.
   */
  async deadAt(brokerName: string): Promise<string[]> {
    const { list, self } = this.#options;
    if (this.#missing().length === 0 || this.#mayLackMembers(brokerName)) return [];
    this.#take(brokerName, (await list(brokerName, this.#ending.signal)).members);
    const now = this.#options.clock.monotonic();
    return [...this.#missingSince.get(brokerName) ?? []]
      .filter(([id, since]) => id !== self() && now - since >= GRACE).map(([id]) => id);
  }

  /** Ends the watch. */
  async close(): Promise<void> {
    this.#ending.abort(new Error("the consumer closes"));
    await this.#watching;
  }

  /** Returns known consumers of this kind that are in the group no more. */
  #missing(): string[] {
    const present = new Set(this.#current), now = this.#options.clock.monotonic();
    for (const [id, seenAt] of this.#seenAt) {
      if (now - seenAt <= MEMORY || present.has(id)) continue;
      this.#seenAt.delete(id);
      for (const missing of this.#missingSince.values()) missing.delete(id);
    }
    return [...this.#seenAt.keys()].filter((id) => !present.has(id));
  }

  #mayLackMembers(brokerName: string): boolean {
    const at = this.#returnedAt.get(brokerName) ?? -Infinity;
    return this.#options.clock.monotonic() - at < RETURN_TIME;
  }

  async #watch(): Promise<void> {
    const { clock, logger } = this.#options, { signal } = this.#ending;
    while (!signal.aborted) {
      this.#notice = Promise.withResolvers<void>();
      let pause = RETRY_INTERVAL;
      try {
        pause = await this.#look();
      } catch (error) {
        logger.debug(`Cannot list the members of the group: ${describe(error)}`);
      }
      if (signal.aborted) return;
      const waiting = new AbortController();
      const isNoticed = await Promise.race([
        this.#notice.promise.then(() => true),
        sleep(clock, pause, AbortSignal.any([signal, waiting.signal])).catch(() => {}),
      ]);
      waiting.abort();
      if (isNoticed) await sleep(clock, MERGE_TIME, signal).catch(() => {});
    }
  }

  /** Asks for the members. Returns the milliseconds until the next look. */
  async #look(): Promise<number> {
    const { clock, self, onChange, onLook } = this.#options;
    const found = await this.#ask();
    if (!found) return RETRY_INTERVAL;
    const [brokerName, list] = found;
    this.#take(brokerName, list.members);
    onLook(brokerName, list);
    // A broker that has just forgotten this client gets its heartbeat soon.
    if (!list.members.includes(self())) return RETRY_INTERVAL;
    const mayLack = this.#mayLackMembers(brokerName);
    const members = mayLack
      ? [...new Set([...list.members, ...this.#current])].sort()
      : list.members;
    const pause = mayLack ? RETURN_TIME : POLL_INTERVAL;
    if (members.join("\n") === this.#current.join("\n")) return pause;
    const now = clock.monotonic(), wait = this.#changedAt + CHANGE_INTERVAL - now;
    if (wait > 0) return wait;
    if (this.#current.length > 0) this.#changedAt = now;
    this.#current = members;
    onChange(members);
    return pause;
  }

  /** Asks the first broker that answers; one that restarted lately only if there is no other. */
  async #ask(): Promise<[string, MemberList] | undefined> {
    const { brokerNames, list, logger } = this.#options;
    const names = [...brokerNames()].sort();
    const isNew = (name: string) => this.#mayLackMembers(name);
    const inOrder = [...names.filter((name) => !isNew(name)), ...names.filter(isNew)];
    for (const name of inOrder) {
      try {
        return [name, await list(name, this.#ending.signal)];
      } catch (error) {
        if (this.#ending.signal.aborted) return undefined;
        logger.debug(`Cannot list the members of the group: ${describe(error)}`);
      }
    }
    return undefined;
  }

  #take(brokerName: string, members: readonly string[]): void {
    const now = this.#options.clock.monotonic(), listed = new Set(members);
    for (const id of members) if (isOfThisKind(id)) this.#seenAt.set(id, now);
    let missing = this.#missingSince.get(brokerName);
    if (!missing) this.#missingSince.set(brokerName, missing = new Map());
    for (const id of this.#seenAt.keys()) {
      if (listed.has(id)) missing.delete(id);
      else if (!missing.has(id)) missing.set(id, now);
    }
  }
}

/** What the instance names of these consumers begin with. */
export const INSTANCE_MARK = "deno-";

/** Reports whether a client id is that of a consumer of this module. */
function isOfThisKind(clientId: string): boolean {
  return clientId.includes(`@${INSTANCE_MARK}`);
}
