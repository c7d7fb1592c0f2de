import { assertEquals } from "@std/assert";
import type { RocketMQCluster } from "../support/cluster.ts";
import { clusterTest } from "../support/real_broker.ts";
import { frameCases } from "./cases/frames.ts";
import type { ConformanceCase } from "./cluster_under_test.ts";
import { CONFORMANCE_CASES } from "./suite.ts";

const TIMEOUT = 1_500, INTERVAL = 1_500, MAX = 3;

const brokerConfig = {
  transactionTimeOut: String(TIMEOUT),
  transactionCheckInterval: String(INTERVAL),
  transactionCheckMax: String(MAX),
  recallMessageEnable: "true",
};

/** How many cases run at the same time: most of them wait for the broker's timers. */
const AT_ONCE = 8;

clusterTest("conformance - a real broker", { brokerConfig }, (cluster, test) => {
  return runAll(CONFORMANCE_CASES, cluster, test, "JSON");
});

clusterTest("conformance - a real broker with binary headers", {
  brokerConfig,
  javaOptions: ["-Drocketmq.serialize.type=ROCKETMQ"],
}, (cluster, test) => runAll(frameCases, cluster, test, "ROCKETMQ"));

async function runAll(
  cases: readonly ConformanceCase[],
  cluster: RocketMQCluster,
  test: Deno.TestContext,
  serializeType: "JSON" | "ROCKETMQ",
): Promise<void> {
  const { name, address } = cluster.brokers[0]!;
  const waiting = [...cases], failed: string[] = [];
  const work = async () => {
    for (let it = waiting.shift(); it; it = waiting.shift()) {
      const { run, name: title } = it;
      const fn = () =>
        run({
          nameServer: cluster.nameServers,
          broker: { name, address },
          clusterName: "TestCluster",
          transactionTimeout: TIMEOUT,
          checkInterval: INTERVAL,
          checkMax: MAX,
          serializeType,
        });
      // Steps with sanitizers can't run at the same time.
      const sanitize = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };
      if (!await test.step({ name: title, fn, ...sanitize })) failed.push(title);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  assertEquals(failed, []);
}
