import { assertEquals, assertStringIncludes } from "@std/assert";
import { quoteNumericKeys } from "../../../src/requests/json_body.ts";
import { command } from "../../remoting/frames.ts";
import { type ConformanceCase, defineCase } from "../cluster_under_test.ts";
import { Peer } from "../peer.ts";
import { send, uniqueName } from "../steps.ts";

const ROUTE = 105;
const CLUSTER_INFO = 106;

const decoder = new TextDecoder();

/** Routes, cluster information, and requests to the wrong server. */
export const routeCases: ConformanceCase[] = [
  defineCase("route - is JSON for new clients and for those that ask for it", async (cluster) => {
    await using peer = await Peer.connect(cluster.nameServer);
    const { name: brokerName, address } = cluster.broker;
    for (const [version, accept] of [[401, undefined], [0, "true"], [400, "true"]] as const) {
      const extFields: Record<string, string> = { topic: "TBW102" };
      if (accept !== undefined) extFields.acceptStandardJsonOnly = accept;
      const response = await peer.ask({ code: ROUTE, extFields }, { version });
      assertEquals([response.code, response.remark], [0, undefined]);
      const route = JSON.parse(decoder.decode(response.body));
      assertEquals(route.queueDatas, [
        { brokerName, perm: 7, readQueueNums: 8, topicSysFlag: 0, writeQueueNums: 8 },
      ]);
      assertEquals(route.brokerDatas, [{
        brokerAddrs: { "0": address },
        brokerName,
        cluster: cluster.clusterName,
        enableActingMaster: false,
      }]);
      assertEquals(route.filterServerTable, {});
    }
  }),

  defineCase("route - has bare broker ids for old clients", async (cluster) => {
    await using peer = await Peer.connect(cluster.nameServer);
    for (const [version, accept] of [[400, undefined], [0, "false"]] as const) {
      const extFields: Record<string, string> = { topic: "TBW102" };
      if (accept !== undefined) extFields.acceptStandardJsonOnly = accept;
      const response = await peer.ask({ code: ROUTE, extFields }, { version });
      const text = decoder.decode(response.body);
      assertStringIncludes(text, `{"brokerAddrs":{0:"${cluster.broker.address}"}`);
      assertEquals(JSON.parse(quoteNumericKeys(text)).queueDatas.length, 1);
    }
  }),

  defineCase("route - of an unknown topic is refused with 17", async (cluster) => {
    await using peer = await Peer.connect(cluster.nameServer);
    const topic = uniqueName("Missing");
    const response = await peer.ask({ code: ROUTE, extFields: { topic } });
    assertEquals(response.code, 17);
    assertEquals(
      response.remark,
      `No topic route info in name server for the topic: ${topic}\n` +
        "See https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.",
    );
  }),

  defineCase(
    "route - a topic that a send made has at most 8 queues and a route",
    async (cluster) => {
      await using broker = await Peer.connect(cluster.broker.address);
      await using nameServer = await Peer.connect(cluster.nameServer);
      for (const [asked, made] of [[3, 3], [20, 8]] as const) {
        const topic = uniqueName("Made");
        assertEquals((await send(broker, { topic, defaultTopicQueueNums: asked })).code, 0);
        let response = command({ code: 17 });
        for (let attempt = 0; response.code === 17 && attempt < 100; attempt++) {
          response = await nameServer.ask({ code: ROUTE, extFields: { topic } });
          if (response.code === 17) await new Promise((resolve) => setTimeout(resolve, 100));
        }
        const [queues] = JSON.parse(decoder.decode(response.body)).queueDatas;
        assertEquals([queues.readQueueNums, queues.writeQueueNums, queues.perm], [made, made, 6]);
      }
    },
  ),

  defineCase("cluster information - has bare broker ids, whoever asks", async (cluster) => {
    await using peer = await Peer.connect(cluster.nameServer);
    const { name, address } = cluster.broker;
    for (const version of [0, 513]) {
      const extFields = { acceptStandardJsonOnly: "true" };
      const response = await peer.ask({ code: CLUSTER_INFO, extFields }, { version });
      const text = decoder.decode(response.body);
      assertStringIncludes(text, `{"brokerAddrs":{0:"${address}"}`);
      const { brokerAddrTable, clusterAddrTable } = JSON.parse(quoteNumericKeys(text));
      assertEquals(brokerAddrTable[name].brokerAddrs, { "0": address });
      assertEquals(clusterAddrTable, { [cluster.clusterName]: [name] });
    }
  }),

  defineCase("request - of another kind of server is not supported", async (cluster) => {
    await using nameServer = await Peer.connect(cluster.nameServer);
    await using broker = await Peer.connect(cluster.broker.address);
    for (const [peer, code] of [[nameServer, 310], [broker, ROUTE], [broker, 9999]] as const) {
      const { code: refusal, remark } = await peer.ask({ code });
      assertEquals([refusal, remark], [3, ` request type ${code} not supported`]);
    }
  }),
];
