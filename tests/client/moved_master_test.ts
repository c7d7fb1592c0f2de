import { assert, assertEquals } from "@std/assert";
import type { ClientInstance } from "../../src/client/mod.ts";
import { ScriptedBroker } from "../support/scripted_broker.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";

const TEN_SECONDS = { timeout: 10_000 };

async function started(cluster: ScriptedCluster): Promise<ClientInstance> {
  const client = cluster.client();
  await client.start([TOPIC], TEN_SECONDS);
  return client;
}

/** A broker dies: its connections break, nothing listens there, and it is in no route any more. */
function die(cluster: ScriptedCluster, broker: ScriptedBroker): void {
  cluster.network.fail(broker.address);
  broker.cut();
  cluster.route(TOPIC, cluster.brokers.filter((other) => other !== broker));
}

/** The master of a name is there again, at another address. */
function revive(cluster: ScriptedCluster, name: string): ScriptedBroker {
  const revived = new ScriptedBroker(name, "10.0.1.99:10911");
  cluster.network.listen(revived.address, revived);
  cluster.route(TOPIC, [...cluster.brokers.filter((other) => other.name !== name), revived]);
  return revived;
}

Deno.test("moved master - one that is back at another address is linked within seconds", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const client = await started(cluster);
  die(cluster, cluster.broker);
  await cluster.clock.advance(12_345);
  assertEquals(client.registeredBrokers(), ["broker-2"]);
  const revived = revive(cluster, "broker-1");
  await cluster.clock.advance(4_000);

  assertEquals(client.registeredBrokers().sort(), ["broker-1", "broker-2"]);
  assertEquals(
    (await client.brokerConnection("broker-1", { timeout: 1 })).address,
    revived.address,
  );
});

Deno.test("moved master - one that is back where it was is linked within seconds too", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const client = await started(cluster);
  die(cluster, cluster.broker);
  await cluster.clock.advance(60_000);
  cluster.network.mend(cluster.broker.address);
  cluster.route(TOPIC);
  await cluster.clock.advance(6_000);

  assertEquals(client.registeredBrokers().sort(), ["broker-1", "broker-2"]);
});

Deno.test("moved master - who waits for it gets the new connection", async () => {
  await using cluster = new ScriptedCluster();
  const client = await started(cluster);
  cluster.network.fail(cluster.broker.address);
  cluster.broker.cut();
  await cluster.clock.advance(1_000);
  const waiting = watch(client.brokerConnection("broker-1", TEN_SECONDS));
  await cluster.clock.advance(1_000);
  const revived = revive(cluster, "broker-1");
  await cluster.clock.advance(4_000);

  assertEquals(waiting.value?.address, revived.address);
});

Deno.test("moved master - a slave that takes its place is found, and the old one left", async () => {
  await using cluster = new ScriptedCluster();
  const client = await started(cluster);
  const promoted = revive(cluster, "broker-1");
  await cluster.clock.advance(30_000);

  assertEquals(
    (await client.brokerConnection("broker-1", { timeout: 1 })).address,
    promoted.address,
  );
  await cluster.clock.advance(30_000);
  assertEquals(cluster.broker.open, []);
});

Deno.test("moved master - a short break asks for no route", async () => {
  await using cluster = new ScriptedCluster();
  const client = await started(cluster);
  cluster.broker.cut();
  await cluster.clock.advance(10_000);

  assertEquals(client.registeredBrokers(), ["broker-1"]);
  assertEquals(cluster.nameServer.asked(), [TOPIC]);
});

Deno.test("moved master - one that stays away is not looked for without end", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  await started(cluster);
  die(cluster, cluster.broker);
  await cluster.clock.advance(300_000);
  const first = cluster.nameServer.asked().length;
  assert(first > 100 && first < 150, `asked ${first} times in five minutes`);
  await cluster.clock.advance(300_000);

  assert(cluster.nameServer.asked().length - first < 13, "from then on only the poll");
});

Deno.test("moved master - an older route of another topic does not lead back to its old address", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const [a] = cluster.brokers;
  const client = cluster.client();
  for (const topic of ["First", "Second", "Third"]) cluster.route(topic);
  await client.start(["First", "Second", "Third"], TEN_SECONDS);
  const moved = new ScriptedBroker("broker-1", "10.0.1.99:10911");
  cluster.network.listen(moved.address, moved);
  cluster.route("First", [moved]);
  await client.refreshRoute("First", TEN_SECONDS);
  cluster.route("Third", [moved, cluster.brokers[1]!]);
  cluster.route("Fourth", [cluster.brokers[1]!]);
  await client.route("Fourth", TEN_SECONDS);
  await cluster.clock.advance(1_000);

  assertEquals((await client.brokerConnection("broker-1", { timeout: 1 })).address, moved.address);
  assertEquals(cluster.network.dialsOf(a!.address).length, 1);
});
