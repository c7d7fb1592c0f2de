/**
 * Measures the most bytes that one buffer takes. It sees what the code under test allocates through
 * `Uint8Array` and `ArrayBuffer`; texts and objects are made of bytes that were read. It stands in
 * for both until it is disposed of.
 */
export class AllocationMeter implements Disposable {
  #largest = 0;
  readonly #restore: () => void;

  constructor() {
    const { Uint8Array: realArray, ArrayBuffer: realBuffer } = globalThis;
    const slice = realArray.prototype.slice;
    const note = (size: number) => {
      if (size > this.#largest) this.#largest = size;
    };
    const meter = <T extends typeof Uint8Array | typeof ArrayBuffer>(real: T): T => {
      const metered: T = new Proxy(real, {
        construct(target, args, newTarget) {
          const made = Reflect.construct(target, args, newTarget === metered ? target : newTarget);
          const isView = args[0] instanceof realBuffer;
          if (!isView) note(made.byteLength);
          return made;
        },
      });
      return metered;
    };
    globalThis.Uint8Array = meter(realArray);
    globalThis.ArrayBuffer = meter(realBuffer);
    realArray.prototype.slice = function (this: Uint8Array<ArrayBuffer>, start, end) {
      const copy = slice.call(this, start, end) as Uint8Array<ArrayBuffer>;
      note(copy.byteLength);
      return copy;
    };
    this.#restore = () => {
      globalThis.Uint8Array = realArray;
      globalThis.ArrayBuffer = realBuffer;
      realArray.prototype.slice = slice;
    };
  }

  /** Forgets what was taken so far. */
  reset(): void {
    this.#largest = 0;
  }

  /** The most bytes that one buffer took since then. */
  get largest(): number {
    return this.#largest;
  }

  [Symbol.dispose](): void {
    this.#restore();
  }
}
