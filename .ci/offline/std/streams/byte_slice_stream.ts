/** Lets the bytes from `start` to `end` through, both counted from 0 and included. */
export class ByteSliceStream extends TransformStream<Uint8Array, Uint8Array> {
  /** `start` below 0 throws a `RangeError`. */
  constructor(start = 0, end: number = Infinity) {
    if (start < 0) {
      throw new RangeError(
        `Cannot construct ByteSliceStream as start must be >= 0: received ${start}`,
      );
    }
    let at = 0;
    super({
      transform(chunk, controller) {
        const slice = chunk.slice(Math.max(0, start - at), Math.max(0, end + 1 - at));
        at += chunk.byteLength;
        if (slice.byteLength > 0) controller.enqueue(slice);
        if (at > end) controller.terminate();
      },
    });
  }
}
