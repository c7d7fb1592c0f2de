import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { frameCases } from "./cases/frames.ts";
import type { ConformanceCase } from "./cluster_under_test.ts";
import { CONFORMANCE_CASES } from "./suite.ts";

const TIMES = { transactionTimeout: 300, transactionCheckInterval: 250, opBatchInterval: 20 };
const MAX = 12;

function register({ name, run }: ConformanceCase, serializeType: "JSON" | "ROCKETMQ"): void {
  const title = serializeType === "JSON" ? name : `${name}, with binary headers`;
  Deno.test(`EmbeddedBroker - ${title}`, async () => {
    const options = {
      ...TIMES,
      transactionCheckMax: MAX,
      recallMessages: true,
      serializeType,
    };
    await using broker = await EmbeddedBroker.start(options);
    await run({
      nameServer: broker.nameServer,
      broker: broker.brokers[0]!,
      clusterName: "DefaultCluster",
      transactionTimeout: TIMES.transactionTimeout,
      checkInterval: TIMES.transactionCheckInterval,
      checkMax: MAX,
      serializeType,
    });
  });
}

for (const it of CONFORMANCE_CASES) register(it, "JSON");
for (const it of frameCases) register(it, "ROCKETMQ");
