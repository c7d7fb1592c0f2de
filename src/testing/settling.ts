import { InvalidStateError } from "../errors.ts";

/** Those who wait until no half message is undecided. */
export class Settling {
  readonly #undecided: () => number;
  readonly #waiting = new Set<PromiseWithResolvers<void>>();
  #isEnded = false;

  /** @param undecided How many half messages are undecided now. */
  constructor(undecided: () => number) {
    this.#undecided = undecided;
  }

  /** Resolves when none is; rejects when the signal aborts, or with the end. */
  async wait(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#undecided() === 0) return;
    if (this.#isEnded) throw disposed();
    const entry = Promise.withResolvers<void>();
    const onAbort = () => entry.reject(signal!.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#waiting.add(entry);
    try {
      await entry.promise;
    } finally {
      this.#waiting.delete(entry);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** To be called when a half message was decided. */
  update(): void {
    if (this.#waiting.size === 0 || this.#undecided() > 0) return;
    for (const entry of this.#waiting) entry.resolve();
  }

  /** Rejects all who wait. */
  end(): void {
    this.#isEnded = true;
    for (const entry of this.#waiting) entry.reject(disposed());
  }
}

function disposed(): InvalidStateError {
  return new InvalidStateError(
    "Cannot wait until all is settled: the embedded broker is disposed of",
  );
}
