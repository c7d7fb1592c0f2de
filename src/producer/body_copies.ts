/** Bodies up to this size share memory with others. */
const SHARED_UP_TO = 1024;

/** One small body that waits keeps so many bytes alive. */
const SLAB_SIZE = 16 * 1024;

let slab = new Uint8Array(0), used = 0;

/**
 * Copies a body. Small ones lie side by side in larger pieces of memory: a buffer for
 * each of them costs several times as much as its copy, and is collected on its own.
 */
export function copyOf(body: Uint8Array): Uint8Array {
  const size = body.length;
  // Not `slice()`: that of a Node.js `Buffer` gives a view.
  if (size > SHARED_UP_TO) return new Uint8Array(body);
  if (used + size > slab.length) {
    slab = new Uint8Array(SLAB_SIZE);
    used = 0;
  }
  const copy = slab.subarray(used, used += size);
  copy.set(body);
  return copy;
}
