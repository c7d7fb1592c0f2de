import { TopicRouteNotFoundError } from "../errors.ts";
import type { TopicRoute } from "../route/mod.ts";

/**
 * The lists of brokers with a master that the routes have, each of them once: many topics are on the
 * same brokers.
 *
 * @throws {TopicRouteNotFoundError} when a route has none.
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
