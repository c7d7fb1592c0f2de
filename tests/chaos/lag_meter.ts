/** Milliseconds between two looks. */
const INTERVAL = 20;

/** How long a look is remembered, in milliseconds. */
const MEMORY = 60_000;

/** Measures how late timers are, so that a busy machine is not taken for a slow client. */
export class LagMeter implements Disposable {
  readonly #lags: { from: number; to: number; lag: number }[] = [];
  readonly #timer: ReturnType<typeof setInterval>;
  #last = performance.now();

  constructor() {
    this.#timer = setInterval(() => this.#look(), INTERVAL);
  }

  /** How late timers were, all in all, since `from` of `performance.now()`. */
  since(from: number): number {
    this.#look();
    return this.#lags.reduce((sum, { to, lag }) => sum + (to >= from ? lag : 0), 0);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const from = this.#last, to = performance.now();
    this.#last = to;
    if (to - from > 2 * INTERVAL) this.#lags.push({ from, to, lag: to - from - INTERVAL });
    while (this.#lags.length > 0 && this.#lags[0]!.to < to - MEMORY) this.#lags.shift();
  }
}
