/** Upper ends of the bars, in milliseconds; what takes longer is in one more. */
const BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000] as const;

/** How long transactions took from the half message to their end. */
export interface LatencySummary {
  /** Upper ends of the bars, in milliseconds; the last bar has none. */
  readonly bounds: readonly number[];
  /** Transactions in each bar, one more than there are bounds. */
  readonly counts: readonly number[];
  /**
   * Half of the transactions took no longer, by the bar's upper end: null when that is beyond the last
   * bound, absent when there is no transaction.
   */
  readonly median?: number | null;
  /** 95 of 100 took no longer, in the same way. */
  readonly p95?: number | null;
}

/** Counts durations in bars whose width grows. */
export class LatencyHistogram {
  readonly #counts = new Array<number>(BOUNDS.length + 1).fill(0);
  #total = 0;

  /** Counts a duration in milliseconds. */
  add(duration: number): void {
    const bar = BOUNDS.findIndex((bound) => duration <= bound);
    this.#counts[bar < 0 ? BOUNDS.length : bar]!++;
    this.#total++;
  }

  /** The bars as they are now. */
  summary(): LatencySummary {
    const median = this.#quantile(0.5), p95 = this.#quantile(0.95);
    return {
      bounds: BOUNDS,
      counts: [...this.#counts],
      ...(median === undefined ? {} : { median }),
      ...(p95 === undefined ? {} : { p95 }),
    };
  }

  /** The upper end of the bar in which a share of the durations is reached. */
  #quantile(share: number): number | null | undefined {
    if (this.#total === 0) return undefined;
    let sum = 0;
    for (const [bar, count] of this.#counts.entries()) {
      sum += count;
      if (sum >= this.#total * share) return BOUNDS[bar] ?? null;
    }
    return undefined;
  }
}
