import { javaStringHash } from "../../message/mod.ts";

/** How many chains there are. */
const SLOTS = 1 << 15;

/** Entries that are taken memory for at once. */
const BLOCK = 1 << 12;

const NONE = -1;

/** Entries of the index, as columns. */
interface Block {
  readonly hashes: Int32Array;
  readonly previous: Int32Array;
  readonly positions: Float64Array;
}

/**
 * Where messages with a key are in the log: chains of hashes, as in the index files of a broker, 16
 * bytes an entry. Like those it finds by hash only; whoever asks compares the keys.
 */
export class KeyIndex {
  readonly #slots = new Int32Array(SLOTS).fill(NONE);
  readonly #blocks: Block[] = [];
  #size = 0;

  /** Enters a message under a key. */
  add(key: string, position: number): void {
    const entry = this.#size++, at = entry % BLOCK;
    if (at === 0) {
      this.#blocks.push({
        hashes: new Int32Array(BLOCK),
        previous: new Int32Array(BLOCK),
        positions: new Float64Array(BLOCK),
      });
    }
    const block = this.#blocks.at(-1)!;
    const hash = javaStringHash(key), slot = hash & (SLOTS - 1);
    block.hashes[at] = hash;
    block.positions[at] = position;
    block.previous[at] = this.#slots[slot]!;
    this.#slots[slot] = entry;
  }

  /** The positions under the hash of a key, the newest first. */
  *find(key: string): Generator<number> {
    const hash = javaStringHash(key);
    for (let entry = this.#slots[hash & (SLOTS - 1)]!; entry !== NONE;) {
      const block = this.#blocks[Math.floor(entry / BLOCK)]!, at = entry % BLOCK;
      if (block.hashes[at] === hash) yield block.positions[at]!;
      entry = block.previous[at]!;
    }
  }
}
