import { assert, assertEquals, assertGreater } from "@std/assert";
import { Consumer } from "../../src/consumer/mod.ts";
import { Producer } from "../../src/producer/mod.ts";
import {
  createGetConsumerListRequest,
  readGetConsumerListResponse,
} from "../../src/requests/mod.ts";
import { textOf } from "../consumer/support.ts";
import { canRunJava, runJava } from "../support/java_program.ts";
import { eventually } from "../support/progress.ts";
import { brokerTest } from "../support/real_broker.ts";
import { TestClient } from "../support/test_client.ts";

const SOURCE = new URL("java/ConsumerMember.java", import.meta.url).pathname;

const COUNT = 240, HANDLER_TIME = 50;

if (canRunJava()) {
  brokerTest(
    "Consumer - leaves a group with a Java member: its queues go over without a second delivery",
    async ({ nameServers, brokers, uniqueName }) => {
      const topic = uniqueName("Mixed"), group = uniqueName("mixed");
      await using producer = new Producer({ nameServers, producerGroup: uniqueName("shop") });
      await producer.start();
      await producer.createTopic({ topic, queues: 4 });
      const here: string[] = [];
      await using consumer = new Consumer({
        ...{ nameServers, group, order: "queue", subscriptions: { [topic]: "*" } },
      });
      await consumer.start();
      consumer.run(async (message) => {
        here.push(textOf(message));
        await new Promise((resolve) => setTimeout(resolve, HANDLER_TIME));
      });
      const args = [nameServers, topic, group, "orderly", String(HANDLER_TIME)];
      const running = runJava(SOURCE, args);
      running.catch(() => {});
      await using client = new TestClient(nameServers);
      const { address } = brokers[0]!;
      const hasJoined = async () => {
        const request = createGetConsumerListRequest({ consumerGroup: group });
        const response = await client.request(address, request);
        return readGetConsumerListResponse(response, { address }).members.length === 2;
      };
      assert(await eventually(hasJoined, 60_000, 100), "the member in Java did not join");
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      for (let i = 0; i < COUNT; i++) await producer.send({ topic, body: `m${i}` });
      assert(await eventually(() => here.length > COUNT / 8, 30_000));
      assertEquals((await consumer.close()).isClean, true);
      const lines = await running;
      const there = lines.flatMap(([kind, body]) => kind === "got" ? [body!] : []);
      assertGreater(there.length, COUNT / 4);
      assertEquals([new Set([...here, ...there]).size, here.length + there.length], [COUNT, COUNT]);
    },
  );
}
