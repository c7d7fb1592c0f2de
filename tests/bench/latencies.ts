/** The smallest value that a share of the sorted values does not exceed; 0 without values. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/**
 * Calls `send` until `count` calls have begun, `concurrency` at a time, and gives how long each one
 * took, in milliseconds, in ascending order.
 */
export async function timeCalls(
  count: number,
  concurrency: number,
  send: () => Promise<unknown>,
  onError: (error: unknown) => void,
): Promise<Float64Array> {
  const latencies = new Float64Array(count);
  let next = 0;
  const sendMany = async () => {
    for (let i = next++; i < count; i = next++) {
      const start = performance.now();
      try {
        await send();
      } catch (error) {
        onError(error);
      }
      latencies[i] = performance.now() - start;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, sendMany));
  return latencies.sort();
}
