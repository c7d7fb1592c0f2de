/**
 * The most bytes that one buffer took while `work` ran. It sees what the code under test allocates
 * through `Uint8Array` and `ArrayBuffer`; texts and objects are made of bytes that were read.
 */
export function largestAllocation(work: () => void): number {
  let largest = 0;
  const { Uint8Array: realArray, ArrayBuffer: realBuffer } = globalThis;
  const slice = realArray.prototype.slice;
  const meter = <T extends typeof Uint8Array | typeof ArrayBuffer>(real: T): T => {
    const metered: T = new Proxy(real, {
      construct(target, args, newTarget) {
        const made = Reflect.construct(target, args, newTarget === metered ? target : newTarget);
        const isView = args[0] instanceof realBuffer;
        if (!isView) largest = Math.max(largest, made.byteLength);
        return made;
      },
    });
    return metered;
  };
  globalThis.Uint8Array = meter(realArray);
  globalThis.ArrayBuffer = meter(realBuffer);
  realArray.prototype.slice = function (this: Uint8Array<ArrayBuffer>, start, end) {
    const copy = slice.call(this, start, end) as Uint8Array<ArrayBuffer>;
    largest = Math.max(largest, copy.byteLength);
    return copy;
  };
  try {
    work();
  } finally {
    globalThis.Uint8Array = realArray;
    globalThis.ArrayBuffer = realBuffer;
    realArray.prototype.slice = slice;
  }
  return largest;
}
