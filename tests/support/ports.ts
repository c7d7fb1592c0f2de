/** Below the range from which Linux and macOS take the local ports of outgoing connections. */
const USUAL_RANGE = { lowest: 20_000, highest: 32_000 };

/** How often to draw before the range counts as full. */
const ATTEMPTS = 1000;

function isFree(port: number): boolean {
  for (const hostname of ["127.0.0.1", "0.0.0.0"]) {
    try {
      Deno.listen({ hostname, port }).close();
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) return false;
      throw error;
    }
  }
  return true;
}

/**
 * Finds a port that is free together with its neighbours at the given distances. A RocketMQ broker
 * on port p also listens on p - 2 (the "VIP" port) and, as set up here, on p + 1 (replication).
 *
 * Nothing reserves the ports: another process may take one before they are used. The range is wide
 * and drawn from at random, and the caller has to try again if it happens all the same.
 */
export function findFreePort(
  neighbours: readonly number[] = [],
  { lowest, highest }: { lowest: number; highest: number } = USUAL_RANGE,
): number {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest + 1));
    if ([0, ...neighbours].every((distance) => isFree(port + distance))) return port;
  }
  throw new Error(`Cannot find a free port between ${lowest} and ${highest}`);
}
