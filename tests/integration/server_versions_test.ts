import { assertEquals } from "@std/assert";
import { brokerTest, clusterTest } from "../support/real_broker.ts";
import { sendingSteps } from "./versions/sending_steps.ts";
import type { ServerUnderTest, VersionStep } from "./versions/server_under_test.ts";
import { OWN_TIMES, ownTimesSteps, transactionSteps } from "./versions/transaction_steps.ts";

/*
  The same steps on every kind of server: what one of them can't do, its step says. Those that need
  the broker's times set are for the clusters that are started here.
*/

/** How many steps run at the same time: most of them wait for the broker's timers. */
const AT_ONCE = 6;

const EVERYWHERE = [...sendingSteps, ...transactionSteps];

const brokerConfig = {
  transactionTimeOut: String(OWN_TIMES.timeout),
  transactionCheckInterval: String(OWN_TIMES.interval),
  transactionCheckMax: String(OWN_TIMES.checkMax),
};

brokerTest("Server versions - 5.5.0 with JSON headers", async ({ test, ...cluster }) => {
  await runAll(EVERYWHERE, { ...cluster, release: "5.5.0", serializeType: "JSON" }, test);
});

clusterTest(
  "Server versions - 5.5.0 with binary headers",
  { version: "5.5.0", brokerConfig, javaOptions: ["-Drocketmq.serialize.type=ROCKETMQ"] },
  async ({ nameServers, brokers }, test) => {
    const cluster = { nameServers, brokers, uniqueName: (prefix: string) => prefix };
    const steps = [...ownTimesSteps, ...EVERYWHERE];
    await runAll(steps, { ...cluster, release: "5.5.0", serializeType: "ROCKETMQ" }, test);
  },
);

/*
  Up to 4.9.3 brokers write the hosts of a reply as Java's InetSocketAddress shows them. Between 5.0 and
  5.3.3 they know timers and attributes, and neither recall nor priorities.
*/
const releases = Deno.env.get("ROCKETMQ_TEST_RELEASES") ?? "4.9.7,4.9.3";
for (const release of releases.split(",")) {
  clusterTest(
    `Server versions - ${release}`,
    { version: release, brokerConfig },
    async ({ nameServers, brokers }, test) => {
      const cluster = { nameServers, brokers, uniqueName: (prefix: string) => prefix };
      const steps = [...ownTimesSteps, ...EVERYWHERE];
      await runAll(steps, { ...cluster, release, serializeType: "JSON" }, test);
    },
  );
}

async function runAll(
  steps: readonly VersionStep[],
  server: ServerUnderTest,
  test: Deno.TestContext,
): Promise<void> {
  const waiting = [...steps], failed: string[] = [];
  const work = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) {
      const { name, run } = step;
      // Steps with sanitizers can't run at the same time.
      const sanitize = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };
      if (!await test.step({ name, fn: () => run(server), ...sanitize })) failed.push(name);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  assertEquals(failed, []);
}
