import { type Clock, sleep, type WaitOptions } from "../clock.ts";
import { ConnectionError, TopicRouteNotFoundError } from "../errors.ts";
import type { BrokerClusterInfo } from "../requests/mod.ts";
import type { TopicRoute } from "../route/mod.ts";

/** The requests to name servers that a start needs. */
interface NameServerClient {
  route(topic: string, options: WaitOptions): Promise<TopicRoute>;
  clusterInfo(options: WaitOptions): Promise<BrokerClusterInfo>;
}

/** Milliseconds between two attempts. */
const PAUSE = 500;

/** Milliseconds for listing the brokers. */
const CLUSTER_TIMEOUT = 1_000;

/**
 * Finds the routes of the topics. Containers start together. So this waits, while there is time, for
 * name servers that do not listen yet or whose names are unknown. It waits for brokers, too: name
 * servers that have just started know none until these register again, every 30 s by default. If
 * brokers are known, a topic without a route fails immediately.
 *
 * @throws {TopicRouteNotFoundError} when a topic has no route.
 * @throws {ConnectionError} when no name server answers.
 */
export function firstRoutes(
  client: NameServerClient,
  topics: readonly string[],
  { clock, rest }: { clock: Clock; rest: () => WaitOptions },
): Promise<TopicRoute[]> {
  return Promise.all(topics.map(async (topic) => {
    for (;;) {
      try {
        return await client.route(topic, rest());
      } catch (error) {
        const mayComeUp = error instanceof TopicRouteNotFoundError
          ? !await knowBrokers(client, rest())
          : isNotThere(error);
        if (!mayComeUp) throw error;
        const { timeout, signal } = rest();
        if (timeout <= PAUSE || signal?.aborted) throw error;
        await sleep(clock, PAUSE, signal).catch(() => {});
      }
    }
  }));
}

/** Names and codes of the runtimes' errors for an address at which nothing listens. */
const REFUSED: ReadonlySet<unknown> = new Set(["ConnectionRefused", "ECONNREFUSED", "ENOTFOUND"]);

/** Reports whether every name server may be about to start: nothing listens there, or its name is unknown. */
function isNotThere(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isNotThere);
  if (!(error instanceof Error)) return false;
  const { name, code } = error as Error & { code?: unknown };
  if (REFUSED.has(name) || REFUSED.has(code)) return true;
  if (/failed to lookup address/.test(error.message) && !(error instanceof ConnectionError)) {
    return true;
  }
  return error instanceof ConnectionError && error.isRetriable && isNotThere(error.cause);
}

/** Reports whether the name servers know brokers. If they can't answer, there is nothing to wait for. */
async function knowBrokers(client: NameServerClient, options: WaitOptions): Promise<boolean> {
  try {
    const timeout = Math.min(options.timeout, CLUSTER_TIMEOUT);
    return (await client.clusterInfo({ ...options, timeout })).brokers.size > 0;
  } catch {
    return true;
  }
}

/**
 * Lists the brokers with a master of each route. Equal lists come once, because many topics share
 * their brokers.
 *
 * @throws {TopicRouteNotFoundError} when a route has no such broker.
 */
export function distinctBrokers(routes: readonly TopicRoute[]): string[][] {
  const lists = new Map<string, string[]>();
  for (const route of routes) {
    const names = route.brokerNames.filter((name) => route.masterAddress(name) !== undefined);
    if (names.length === 0) {
      throw new TopicRouteNotFoundError(
        `Cannot use the route of topic "${route.topic}": ${
          route.describeUnwritable() ?? "none of its brokers has a master"
        }`,
        { topic: route.topic, isRetriable: true },
      );
    }
    lists.set(JSON.stringify(names.toSorted()), names);
  }
  return [...lists.values()];
}
