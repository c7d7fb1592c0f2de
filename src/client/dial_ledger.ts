/** Most dials of one address in any minute, also when its connections come and go. */
const DIALS_PER_MINUTE = 30;

/** Milliseconds of a minute. */
const MINUTE = 60_000;

/** How many addresses are remembered before those that were left alone for a minute are forgotten. */
const MANY_ADDRESSES = 256;

/**
 * When addresses were dialled. It outlives the connections of a client: an application that calls
 * `start()` again and again while a cluster is away dials no more often than others do.
 */
export class DialLedger {
  readonly #dialledAt = new Map<string, number[]>();

  /** When an address may be dialled again, in monotonic milliseconds. */
  turnOf(address: string): number {
    const dialledAt = this.#dialledAt.get(address);
    return dialledAt && dialledAt.length >= DIALS_PER_MINUTE ? dialledAt[0]! + MINUTE : 0;
  }

  /** Takes down that an address is dialled now. */
  enter(address: string, now: number): void {
    let dialledAt = this.#dialledAt.get(address);
    if (!dialledAt) {
      if (this.#dialledAt.size >= MANY_ADDRESSES) this.#forget(now - MINUTE);
      this.#dialledAt.set(address, dialledAt = []);
    }
    dialledAt.push(now);
    if (dialledAt.length > DIALS_PER_MINUTE) dialledAt.shift();
  }

  #forget(before: number): void {
    for (const [address, dialledAt] of this.#dialledAt) {
      if (dialledAt.at(-1)! < before) this.#dialledAt.delete(address);
    }
  }
}
