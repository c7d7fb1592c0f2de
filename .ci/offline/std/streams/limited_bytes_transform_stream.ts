/** Options of {@linkcode LimitedBytesTransformStream}. */
export interface LimitedBytesTransformStreamOptions {
  /** Whether passing the limit is a `RangeError` (default: the stream just ends). */
  error?: boolean;
}

/** Lets whole chunks through as long as they hold at most `size` bytes together. */
export class LimitedBytesTransformStream extends TransformStream<Uint8Array, Uint8Array> {
  /** `size` is in bytes. */
  constructor(size: number, options: LimitedBytesTransformStreamOptions = {}) {
    let passed = 0;
    super({
      transform(chunk, controller) {
        if (passed + chunk.byteLength <= size) {
          passed += chunk.byteLength;
          controller.enqueue(chunk);
        } else if (options.error) {
          throw new RangeError(`Exceeded byte size limit of '${size}'`);
        } else {
          controller.terminate();
        }
      },
    });
  }
}
