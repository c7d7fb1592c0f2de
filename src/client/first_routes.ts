import { type Clock, sleep } from "../clock.ts";
import { TopicRouteNotFoundError } from "../errors.ts";
import type { BrokerClusterInfo } from "../requests/mod.ts";
import type { TopicRoute } from "../route/mod.ts";
import type { WaitOptions } from "./deadline.ts";

/** What the name servers can be asked for. */
interface NameServerClient {
  route(topic: string, options: WaitOptions): Promise<TopicRoute>;
  clusterInfo(options: WaitOptions): Promise<BrokerClusterInfo>;
}

/** Milliseconds between two looks. */
const PAUSE = 500;

/** Milliseconds for the question whether brokers are known. */
const CLUSTER_TIMEOUT = 1_000;

/**
 * The routes of the topics. Name servers that have just started know no broker until the brokers
 * have registered again, every 30 s by default: then the time that is left is waited for them.
 * Where brokers are known, a topic without a route fails at once.
 *
 * @throws {TopicRouteNotFoundError} when a topic has no route.
 */
export function firstRoutes(
  client: NameServerClient,
  topics: readonly string[],
  clock: Clock,
  rest: () => WaitOptions,
): Promise<TopicRoute[]> {
  return Promise.all(topics.map(async (topic) => {
    for (;;) {
      try {
        return await client.route(topic, rest());
      } catch (error) {
        if (!(error instanceof TopicRouteNotFoundError) || await knowBrokers(client, rest())) {
          throw error;
        }
        const { timeout, signal } = rest();
        if (timeout <= PAUSE) throw error;
        await sleep(clock, PAUSE, signal).catch(() => {});
      }
    }
  }));
}

/** Who can't tell is not waited for. */
async function knowBrokers(client: NameServerClient, options: WaitOptions): Promise<boolean> {
  try {
    const timeout = Math.min(options.timeout, CLUSTER_TIMEOUT);
    return (await client.clusterInfo({ ...options, timeout })).brokers.size > 0;
  } catch {
    return true;
  }
}
