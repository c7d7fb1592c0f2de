import { RocketMQCluster } from "./cluster.ts";
import { type BrokerAddress, listBrokers } from "./probe.ts";
import { progress } from "./progress.ts";
import { cacheFolder, findInstallation, withFileLock } from "./rocketmq_home.ts";
import { TLS_PERMISSIVE } from "./server_config.ts";

/** Variables of the environment that steer the tests on real brokers. */
export const ENV = {
  /** Name servers of the cluster that all tests share. */
  nameServers: "ROCKETMQ_NAMESRV",
  /** `1`: tests fail where they would otherwise not run for want of a cluster. */
  required: "ROCKETMQ_TESTS_REQUIRE_BROKER",
  /** Set by with_cluster.ts: why there is no cluster, so that not every process finds out anew. */
  unavailable: "ROCKETMQ_TEST_UNAVAILABLE",
  /** Set within a process: why the shared cluster could not be started. */
  failed: "ROCKETMQ_TEST_CLUSTER_FAILED",
  /** Set within a process: it has been said that tests do not run. */
  announced: "ROCKETMQ_TEST_ANNOUNCED",
} as const;

/** Whether something can be had on this machine and, if not, why. */
export type Availability = { available: true } | { available: false; reason: string };

/** What tests may know of the cluster that they share. */
export interface SharedCluster {
  /** `127.0.0.1:20001;127.0.0.1:20002`. */
  nameServers: string;
  /** Its brokers at the time of asking. */
  brokers: BrokerAddress[];
}

/** Whether there is a cluster to test against: one that `ROCKETMQ_NAMESRV` names, or one to start. */
export async function clusterAvailability(): Promise<Availability> {
  if (Deno.env.get(ENV.nameServers)) return { available: true };
  return await launcherAvailability();
}

/** Whether {@linkcode RocketMQCluster.start} can work here. Fetches RocketMQ the first time. */
export async function launcherAvailability(): Promise<Availability> {
  const known = Deno.env.get(ENV.unavailable);
  if (known) return { available: false, reason: known };
  try {
    await findInstallation();
    return { available: true };
  } catch (error) {
    return { available: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Whether a missing cluster is a failure (`ROCKETMQ_TESTS_REQUIRE_BROKER=1`). */
export function isClusterRequired(): boolean {
  return Deno.env.get(ENV.required) === "1";
}

/** Says once in a process, in one line, that tests on a real broker do not run. */
export function announceUnavailable(reason: string): void {
  if (Deno.env.get(ENV.announced)) return;
  Deno.env.set(ENV.announced, "1");
  progress(
    `Tests on a real RocketMQ do not run: ${reason} (${ENV.nameServers}=HOST:PORT names a cluster)`,
  );
}

/**
 * The cluster that tests share: the one that `ROCKETMQ_NAMESRV` names, else one that the first call
 * in this process starts. The latter sets `ROCKETMQ_NAMESRV`, which is how the other test files,
 * each a module graph of its own, find it; it ends with the process. Do not break it: tests that
 * need a broken broker start a cluster of their own.
 */
export async function sharedCluster(): Promise<SharedCluster> {
  const nameServers = Deno.env.get(ENV.nameServers) || await startOnce();
  const [first = nameServers] = nameServers.split(";");
  return { nameServers, brokers: await listBrokers(first, 10_000) };
}

async function startOnce(): Promise<string> {
  const lock = `${await cacheFolder()}/shared-${Deno.pid}.lock`;
  return await withFileLock(lock, async () => {
    await Deno.remove(lock);
    const startedMeanwhile = Deno.env.get(ENV.nameServers);
    if (startedMeanwhile) return startedMeanwhile;
    const failure = Deno.env.get(ENV.failed);
    if (failure) throw new Error(failure);
    try {
      const { nameServers } = await RocketMQCluster.start({ javaOptions: [TLS_PERMISSIVE] });
      Deno.env.set(ENV.nameServers, nameServers);
      return nameServers;
    } catch (error) {
      Deno.env.set(ENV.failed, String(error));
      throw error;
    }
  });
}
