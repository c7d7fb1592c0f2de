/** Bits of a latency that are kept: a quantile is off by at most one part in 1024. */
const KEPT_BITS = 10;

/** Counts for each doubling beyond the latencies that are kept to the microsecond. */
const STEPS = 2 ** (KEPT_BITS - 1);

/** The longest latency, in microseconds: longer ones count as this. */
const LONGEST = 2 ** 31 - 1;

/** How long calls took, in memory that does not grow with their number. */
export class Latencies {
  readonly #counts = new Uint32Array(placeOf(LONGEST) + 1);
  #size = 0;

  /** Number of latencies. */
  get size(): number {
    return this.#size;
  }

  /** Bytes that they take. */
  get byteLength(): number {
    return this.#counts.byteLength;
  }

  /** Adds one, in milliseconds. */
  add(milliseconds: number): void {
    const place = placeOf(Math.min(Math.round(milliseconds * 1000), LONGEST));
    this.#counts[place] = this.#counts[place]! + 1;
    this.#size++;
  }

  /** The smallest one that a share of them does not exceed, in milliseconds; 0 without any. */
  quantile(share: number): number {
    let left = Math.min(this.#size - 1, Math.floor(share * this.#size));
    if (left < 0) return 0;
    let place = 0;
    for (; left >= this.#counts[place]!; place++) left -= this.#counts[place]!;
    return middleOf(place) / 1000;
  }
}

/** Where latencies of so many microseconds are counted: exactly as long as they are short. */
function placeOf(microseconds: number): number {
  const dropped = droppedBits(microseconds);
  return dropped * STEPS + (microseconds >>> dropped);
}

function middleOf(place: number): number {
  const dropped = Math.max(0, Math.floor(place / STEPS) - 1);
  return (place - dropped * STEPS) * 2 ** dropped + (2 ** dropped - 1) / 2;
}

function droppedBits(microseconds: number): number {
  return Math.max(0, 32 - Math.clz32(microseconds) - KEPT_BITS);
}

/**
 * Calls `send` until `count` calls have begun, `concurrency` at a time, and gives how long each one
 * took.
 */
export async function timeCalls(
  count: number,
  concurrency: number,
  send: () => Promise<unknown>,
  onError: (error: unknown) => void,
): Promise<Latencies> {
  const latencies = new Latencies();
  let begun = 0;
  const sendMany = async () => {
    while (begun++ < count) {
      const start = performance.now();
      try {
        await send();
      } catch (error) {
        onError(error);
      }
      latencies.add(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, sendMany));
  return latencies;
}
