import { type ClusterOptions, RocketMQCluster } from "./cluster.ts";
import type { BrokerAddress } from "./probe.ts";
import {
  announceUnavailable,
  type Availability,
  clusterAvailability,
  isClusterRequired,
  launcherAvailability,
  sharedCluster,
} from "./shared_cluster.ts";

/** What a {@linkcode brokerTest} gets. */
export interface BrokerTestContext {
  /** Name servers of the shared cluster as clients take them. */
  nameServers: string;
  /** Brokers of the shared cluster. */
  brokers: readonly BrokerAddress[];
  /** A name for a topic or group that no other test uses, now or in another run. */
  uniqueName(prefix: string): string;
  /** The context of `Deno.test`, for steps. */
  test: Deno.TestContext;
}

/** Found out while the module loads, as a test that can't run must not be registered. */
const AVAILABLE = {
  shared: await clusterAvailability(),
  own: await launcherAvailability(),
} as const;

/**
 * Registers a test on the cluster that all tests share. Where there is none, nothing is registered
 * and one line on stderr says why; with `ROCKETMQ_TESTS_REQUIRE_BROKER=1` the test fails instead.
 *
 * @example
 * ```ts ignore
 * brokerTest("Producer - a message that was sent can be pulled", async ({ nameServers, uniqueName }) => {
 *   await using producer = new Producer({ nameServers, producerGroup: uniqueName("group") });
 * });
 * ```
 */
export function brokerTest(
  name: string,
  fn: (context: BrokerTestContext) => void | Promise<void>,
): void {
  register(name, AVAILABLE.shared, async (test) => {
    const { nameServers, brokers } = await sharedCluster();
    await fn({ nameServers, brokers, uniqueName, test });
  });
}

/**
 * Registers a test that gets a cluster of its own, to kill, freeze and restart as it likes. Takes
 * ten seconds to start: use {@linkcode brokerTest} for everything else. Where a cluster can't be
 * started it does as {@linkcode brokerTest} does, whether `ROCKETMQ_NAMESRV` is set or not.
 *
 * @example
 * ```ts ignore
 * clusterTest("Producer - sends elsewhere when a broker dies", { brokers: 2 }, async (cluster) => {
 *   await cluster.brokers[0]!.kill();
 * });
 * ```
 */
export function clusterTest(
  name: string,
  options: ClusterOptions,
  fn: (cluster: RocketMQCluster, test: Deno.TestContext) => void | Promise<void>,
): void {
  register(name, AVAILABLE.own, async (test) => {
    await using cluster = await RocketMQCluster.start(options);
    await fn(cluster, test);
  });
}

/** Registers a test that needs Java and RocketMQ's jars, and starts what it needs by itself. */
export function launcherTest(
  name: string,
  fn: (test: Deno.TestContext) => void | Promise<void>,
): void {
  register(name, AVAILABLE.own, fn);
}

function register(
  name: string,
  availability: Availability,
  fn: (test: Deno.TestContext) => void | Promise<void>,
): void {
  if (availability.available) {
    Deno.test(name, fn);
  } else if (isClusterRequired()) {
    Deno.test(name, () => {
      throw new Error(`Cannot run a test that is required: ${availability.reason}`);
    });
  } else {
    announceUnavailable(availability.reason);
  }
}

function uniqueName(prefix: string): string {
  return `${prefix}-${crypto.randomUUID().slice(0, 13)}`;
}
