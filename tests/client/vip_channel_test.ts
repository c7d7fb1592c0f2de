import { assertEquals, assertFalse, assertRejects, assertStringIncludes } from "@std/assert";
import { ConnectionError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedBroker } from "../support/scripted_broker.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";

const message = { topic: TOPIC, body: "Hello RocketMQ" };

/** Lets a broker listen on its VIP port too. */
function listenVip(cluster: ScriptedCluster): ScriptedBroker {
  const vip = new ScriptedBroker("broker-1", "10.0.1.1:10909");
  cluster.network.listen(vip.address, vip);
  return vip;
}

/** The codes of all requests that came. */
function codesOf({ connections }: ScriptedBroker): number[] {
  return connections.flatMap(({ requests }) => requests.map(({ code }) => code));
}

Deno.test("VIP channel - sends go to port - 2, all else stays on the broker's own port", async () => {
  await using cluster = new ScriptedCluster();
  const vip = listenVip(cluster);
  vip.on(RequestCode.SEND_MESSAGE_V2, (command, connection) => {
    const reply = vip.store(command, connection), stored = vip.messages.at(-1)!;
    cluster.broker.write(stored.commitLogOffset, stored);
    return reply;
  });
  const producer = await cluster.started({
    executeLocalTransaction: () => "COMMIT",
    checkLocalTransaction: () => "ROLLBACK",
  }, { vipChannel: true });
  await producer.send(message);
  const result = await producer.sendMessageInTransaction(message);
  cluster.broker.checkBack(cluster.broker.strangeHalf({ transactionId: "of another" }));
  await settle();
  await producer.shutdown();

  assertEquals(result.endTransaction, "confirmed");
  const { SEND_MESSAGE_V2, HEART_BEAT, END_TRANSACTION, UNREGISTER_CLIENT, VIEW_MESSAGE_BY_ID } =
    RequestCode;
  assertEquals(codesOf(vip), [SEND_MESSAGE_V2, SEND_MESSAGE_V2]);
  assertEquals(codesOf(cluster.broker), [
    HEART_BEAT,
    VIEW_MESSAGE_BY_ID,
    END_TRANSACTION,
    END_TRANSACTION,
    UNREGISTER_CLIENT,
  ]);
});

Deno.test("VIP channel - without the option nothing goes there", async () => {
  await using cluster = new ScriptedCluster();
  const vip = listenVip(cluster);
  const producer = cluster.producer();
  await producer.start();
  await producer.send(message);

  assertEquals([vip.connections.length, cluster.broker.messages.length], [0, 1]);
});

Deno.test("VIP channel - a port that leaves no room for it is refused, with the remedy", async () => {
  await using cluster = new ScriptedCluster();
  const low = new ScriptedBroker("broker-1", "10.0.1.1:2");
  cluster.network.listen(low.address, low);
  cluster.route(TOPIC, [low]);
  const producer = cluster.producer({ vipChannel: true });
  await producer.start();
  const failure = assertRejects(() => producer.send(message), ConnectionError);
  await cluster.clock.advance(3_000);
  const { message: text, brokerName, written } = await failure;

  for (const part of ['"broker-1"', "10.0.1.1:2", "port 2 - 2", "vipChannel"]) {
    assertStringIncludes(text, part);
  }
  assertEquals([brokerName, written], ["broker-1", false]);
});

Deno.test("VIP channel - an address map leads to it as well", async () => {
  await using cluster = new ScriptedCluster();
  const vip = listenVip(cluster);
  cluster.nameServer.route(TOPIC, [{ name: "broker-1", address: "172.17.0.3:10911" }]);
  const addressMap = { "172.17.0.3:10911": "10.0.1.1:10911" };
  const producer = cluster.producer({ vipChannel: true, addressMap });
  await producer.start();
  await producer.send(message);

  assertEquals(vip.messages.length, 1);
});

Deno.test("VIP channel - its connection lives as long as the broker does, and not longer", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const vip = listenVip(cluster);
  cluster.route(TOPIC, [cluster.broker]);
  const producer = cluster.producer({ vipChannel: true });
  await producer.start();
  await producer.send(message);
  await cluster.clock.advance(300_000);
  await producer.send(message);
  assertEquals([vip.connections.length, vip.messages.length], [1, 2]);
  cluster.route(TOPIC, [cluster.brokers[1]!]);
  await cluster.clock.advance(60_000);

  assertEquals(vip.open, []);
  assertFalse(codesOf(vip).includes(RequestCode.HEART_BEAT));
});

Deno.test("VIP channel - a port on which nothing is answered is left and dialled again", async () => {
  await using cluster = new ScriptedCluster();
  const vip = listenVip(cluster);
  vip.on(RequestCode.SEND_MESSAGE_V2, silence).on(RequestCode.HEART_BEAT, silence);
  const producer = cluster.producer({ vipChannel: true, retries: 0 });
  await producer.start();
  const failed = watch(producer.send(message));
  await cluster.clock.advance(6_000);
  assertEquals([failed.state, vip.open.length], ["rejected", 0]);
  vip.on(RequestCode.SEND_MESSAGE_V2, (command, on) => vip.store(command, on));
  const sent = watch(producer.send(message));
  await cluster.clock.advance(1_000);

  assertEquals([sent.state, vip.connections.length], ["resolved", 2]);
  assertEquals(cluster.broker.open.length, 1, "the registered connection is not touched");
});
