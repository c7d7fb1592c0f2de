import { brokerTest, clusterTest } from "../../support/real_broker.ts";

Deno.test("needs nothing", () => {});

brokerTest("needs the shared cluster", () => {});

clusterTest("needs a cluster of its own", {}, () => {});
