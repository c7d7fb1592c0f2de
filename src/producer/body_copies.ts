/** Bodies up to this size share memory with others. */
const SHARED_UP_TO = 4 * 1024;

const SLAB_SIZE = 64 * 1024;

/**
 * Copies bodies, so that what is sent is what they were when the call was made. Small ones lie side
 * by side in larger pieces of memory, since a piece for each of them costs more than its copy.
 */
export class BodyCopies {
  #slab = new Uint8Array(0);
  #used = 0;

  /** A copy. */
  copy(body: Uint8Array): Uint8Array {
    const size = body.length;
    // Not `slice()`: that of a Node.js `Buffer` gives a view.
    if (size > SHARED_UP_TO) return new Uint8Array(body);
    if (this.#used + size > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_SIZE);
      this.#used = 0;
    }
    const copy = this.#slab.subarray(this.#used, this.#used + size);
    copy.set(body);
    this.#used += size;
    return copy;
  }
}
