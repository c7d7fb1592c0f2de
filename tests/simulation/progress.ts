import { isWatched } from "../support/progress.ts";

/** A line that tells how far something has come. Only on a terminal; elsewhere nothing is written. */
export class Progress {
  readonly #total: number;
  readonly #isShown = isWatched();
  readonly #encoder = new TextEncoder();
  #done = 0;

  constructor(total: number) {
    this.#total = total;
  }

  /** So much more is done. */
  add(count: number): void {
    this.#done += count;
    this.#write(`\r${this.#done} of ${this.#total} seeds`);
  }

  /** Takes the line away. */
  clear(): void {
    this.#write("\r\x1b[K");
  }

  #write(text: string): void {
    if (this.#isShown) Deno.stderr.writeSync(this.#encoder.encode(text));
  }
}
