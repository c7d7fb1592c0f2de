import type { ServerEnd } from "../network/link.ts";

/** Milliseconds without a heartbeat after which a connection is forgotten. */
const EXPIRY = 120_000;

/** The connections of the group that a broker can ask, known by heartbeats only. */
export class Registrations {
  readonly #lastSeen = new Map<ServerEnd, number>();
  #next = 0;

  /** A heartbeat came; one that a frozen broker reads late may be of a connection that is gone. */
  seen(link: ServerEnd, now: number): void {
    if (link.isOpen) this.#lastSeen.set(link, now);
  }

  /** A connection is over, or has taken leave. */
  remove(link: ServerEnd): void {
    this.#lastSeen.delete(link);
  }

  /** Forgets everything, as a restart does. */
  clear(): void {
    this.#lastSeen.clear();
  }

  /** Forgets the connections that were silent for too long, and gives them. */
  expire(now: number): ServerEnd[] {
    const silent = [...this.#lastSeen].filter(([, at]) => now - at > EXPIRY).map(([link]) => link);
    for (const link of silent) this.#lastSeen.delete(link);
    return silent;
  }

  /** The connection to ask next: one after the other. */
  take(): ServerEnd | undefined {
    const links = [...this.#lastSeen.keys()];
    if (links.length === 0) return undefined;
    return links[this.#next++ % links.length];
  }
}
