import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { ClientInstance } from "../../src/client/mod.ts";
import { sleep } from "../../src/clock.ts";
import { ConnectionError, RocketMQError, TopicRouteNotFoundError } from "../../src/errors.ts";
import { type RemotingCommand, RequestCode } from "../../src/remoting/mod.ts";
import { readHeartbeatRequest } from "../../src/testing/requests.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { type ScriptedConnection, silence } from "../support/scripted_peer.ts";

const HEARTBEAT = RequestCode.HEART_BEAT;
const TEN_SECONDS = { timeout: 10_000 };

/** A client that is started, and what it tells of its links. */
async function start(
  cluster: ScriptedCluster,
): Promise<{ client: ClientInstance; told: string[] }> {
  const told: string[] = [];
  const client = cluster.client({}, {
    onRegistered: (name) => void told.push(`registered ${name}`),
    onLost: (name, address, reason) => void told.push(`lost ${name} ${address}: ${reason}`),
  });
  await client.start([TOPIC], TEN_SECONDS);
  return { client, told };
}

Deno.test("links - when start resolves, each broker has accepted a heartbeat of all groups", async () => {
  await using cluster = new ScriptedCluster({ brokers: 3 });
  const client = cluster.client();
  client.addGroup("orders", () => {});
  client.addGroup("payments", () => {});
  await client.start([TOPIC], TEN_SECONDS);

  for (const broker of cluster.brokers) {
    assertEquals(broker.heartbeats(), [
      { clientId: "127.0.0.1@test", producerGroups: ["orders", "payments"] },
    ]);
  }
  assertEquals(client.registeredBrokers(), ["broker-1", "broker-2", "broker-3"]);
  assertEquals(client.openConnections, 4);
});

Deno.test("links - start waits for the answer to the heartbeat", async () => {
  await using cluster = new ScriptedCluster();
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  cluster.broker.once(HEARTBEAT, async () => {
    await answered;
    return {};
  });
  const started = watch(start(cluster));
  await settle();
  assertEquals(started.state, "pending");
  answer();
  await settle();

  assertEquals(started.state, "resolved");
});

Deno.test("links - every 30 s each broker gets one heartbeat", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  await start(cluster);
  await cluster.clock.advance(29_999);
  assertEquals(cluster.brokers.map((broker) => broker.heartbeats().length), [1, 1]);
  await cluster.clock.advance(1);
  assertEquals(cluster.brokers.map((broker) => broker.heartbeats().length), [2, 2]);
  await cluster.clock.advance(300_000);
  assertEquals(cluster.brokers.map((broker) => broker.heartbeats().length), [12, 12]);
});

Deno.test("links - a lost connection is made again and registered, without being asked", async () => {
  await using cluster = new ScriptedCluster();
  const { client, told } = await start(cluster);
  cluster.broker.cut();
  await settle();
  assertEquals(client.registeredBrokers(), []);
  await cluster.clock.advance(1_300);

  assertEquals(client.registeredBrokers(), ["broker-1"]);
  assertEquals(cluster.broker.connections.length, 2);
  assertEquals(cluster.broker.heartbeats().length, 2);
  assertEquals(told, [
    "registered broker-1",
    "lost broker-1 10.0.1.1:10911: reading failed: Connection reset by peer (os error 104)",
    "registered broker-1",
  ]);
});

Deno.test("links - a broker that was away for ten minutes is found again within seconds", async () => {
  await using cluster = new ScriptedCluster();
  const { client } = await start(cluster);
  const { address } = cluster.broker;
  cluster.network.fail(address);
  cluster.broker.cut();
  await cluster.clock.advance(600_000);
  const dials = cluster.network.dialsOf(address);
  assert(dials.length <= 300, `${dials.length} dials in ten minutes`);
  cluster.network.mend(address);
  await cluster.clock.advance(4_400);

  assertEquals(client.registeredBrokers(), ["broker-1"]);
});

Deno.test("links - a slow heartbeat does not end a connection, two unanswered in a row do", async () => {
  await using cluster = new ScriptedCluster();
  const { client } = await start(cluster);
  const stays = (command: RemotingCommand, on: ScriptedConnection) => {
    if (readHeartbeatRequest(command).producerGroups.length === 0) on.respond(command);
  };
  client.addGroup("group", () => {});
  cluster.broker.on(HEARTBEAT, stays);
  await cluster.clock.advance(62_900);
  assertEquals(cluster.broker.connections.length, 1, "something else is answered");
  cluster.broker.on(HEARTBEAT, () => ({}));
  await cluster.clock.advance(400);

  assertEquals(cluster.logger.matching("heartbeats in a row had no answer").length, 1);
  assertEquals(cluster.broker.connections.length, 2, "63 s after the first was due");
  assertEquals(client.registeredBrokers(), ["broker-1"]);
});

Deno.test("links - a heartbeat that is missed, answered and missed again ends nothing", async () => {
  await using cluster = new ScriptedCluster();
  const { client } = await start(cluster);
  client.addGroup("group", () => {});
  let misses = true;
  cluster.broker.on(HEARTBEAT, (command) => {
    const isProbe = readHeartbeatRequest(command).producerGroups.length === 0;
    if (!isProbe) misses = !misses;
    return isProbe || misses ? {} : undefined;
  });
  await cluster.clock.advance(300_000);

  assertEquals(cluster.broker.connections.length, 1);
  assertEquals(cluster.logger.matching("Missed heartbeat 1").length, 5);
});

Deno.test("links - a broker that freezes is noticed 36 s later at most, and linked again", async () => {
  await using cluster = new ScriptedCluster();
  const { client, told } = await start(cluster);
  cluster.broker.on(HEARTBEAT, silence);
  await cluster.clock.advance(35_999);
  assertEquals(client.registeredBrokers(), ["broker-1"]);
  await cluster.clock.advance(1);

  assertEquals(client.registeredBrokers(), []);
  assertStringIncludes(told.at(-1)!, "nothing came in answer to a request, nor to a probe");
  cluster.broker.on(HEARTBEAT, () => ({}));
  await cluster.clock.advance(5_000);
  assertEquals(client.registeredBrokers(), ["broker-1"]);
});

Deno.test("links - rounds of heartbeats begin every 30 s, however long a broker takes", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  await start(cluster);
  const times: number[] = [];
  cluster.broker.on(HEARTBEAT, async (_command, on) => {
    times.push(cluster.clock.monotonic());
    await sleep(cluster.clock, 2_000);
    on.respond(_command);
  });
  await cluster.clock.advance(123_000);

  assertEquals(times, [30_000, 60_000, 90_000, 120_000]);
});

Deno.test("links - a broker that refuses the heartbeat is no broker to send to", async () => {
  await using cluster = new ScriptedCluster();
  cluster.broker.on(HEARTBEAT, () => ({ code: 16, remark: "no permission for you" }));
  const failure = assertRejects(() => start(cluster), RocketMQError);
  await cluster.clock.advance(10_000);
  const { message } = await failure;

  for (const part of ["broker-1", "10.0.1.1:10911", "no permission for you"]) {
    assertStringIncludes(message, part);
  }
  const dials = cluster.network.dialsOf(cluster.broker.address);
  assert(dials.length > 1 && dials.length < 12, `${dials.length} dials in ten seconds`);
});

Deno.test("links - a broker that never answers the heartbeat ends the start in time", async () => {
  await using cluster = new ScriptedCluster();
  cluster.broker.on(HEARTBEAT, silence);
  const client = cluster.client();
  const failure = watch(client.start([TOPIC], { timeout: 5_000 }));
  await cluster.clock.advance(4_999);
  assertEquals(failure.state, "pending");
  await cluster.clock.advance(101);

  const { code, message } = failure.error as RocketMQError;
  assertEquals(code, "CONNECT_FAILED");
  for (const part of ["broker-1", "10.0.1.1:10911", "5000 ms", "no answer within 3000 ms"]) {
    assertStringIncludes(message, part);
  }
});

Deno.test("links - a wrong advertised address is named with both remedies", async () => {
  await using cluster = new ScriptedCluster();
  cluster.nameServer.route(TOPIC, [{ name: "broker-1", address: "172.17.0.3:10911" }]);
  const failure = assertRejects(() => start(cluster), ConnectionError);
  await cluster.clock.advance(10_000);
  const { message, address, brokerName } = await failure;

  assertEquals([address, brokerName], ["172.17.0.3:10911", "broker-1"]);
  for (const part of ["172.17.0.3:10911", "broker-1", "brokerIP1", "addressMap", "refused"]) {
    assertStringIncludes(message, part);
  }
});

Deno.test("links - one dead broker of two does not keep the start from success", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  cluster.network.fail(cluster.broker.address);
  const started = watch(start(cluster));
  await cluster.clock.advance(10_000);

  assertEquals(started.state, "resolved");
  assertEquals(started.value!.client.registeredBrokers(), ["broker-2"]);
  assert(cluster.logger.matching("10.0.1.1:10911", "warn").length > 0);
  cluster.network.mend(cluster.broker.address);
  await cluster.clock.advance(5_000);
  assertEquals(started.value!.client.registeredBrokers(), ["broker-1", "broker-2"]);
});

Deno.test("links - an address map leads to where the broker really is", async () => {
  for (
    const addressMap of [
      { "172.17.0.3:10911": "10.0.1.1:10911" },
      (_address: string, brokerName: string) => `10.0.1.${brokerName.slice(-1)}:10911`,
    ]
  ) {
    await using cluster = new ScriptedCluster();
    cluster.nameServer.route(TOPIC, [{ name: "broker-1", address: "172.17.0.3:10911" }]);
    const client = cluster.client({ addressMap });
    await client.start([TOPIC], TEN_SECONDS);
    assertEquals(client.registeredBrokers(), ["broker-1"]);
    assertEquals(cluster.network.dialsOf("172.17.0.3:10911"), []);
  }
});

Deno.test("links - a broker that addressMap does not know yet: the change is taken for the others, and for it when it is known", async () => {
  await using cluster = new ScriptedCluster({ brokers: 3 });
  const [old, moved, added] = cluster.brokers;
  const table = new Map([old!.address, moved!.address].map((it) => [it, it]));
  cluster.nameServer.route(TOPIC, [{ name: "a", address: old!.address }]);
  const client = cluster.client({
    addressMap(address, brokerName) {
      const mapped = table.get(address);
      if (mapped === undefined) throw new TypeError(`no tunnel to ${brokerName}`);
      return mapped;
    },
  });
  await client.start([TOPIC], TEN_SECONDS);
  cluster.nameServer.route(TOPIC, [
    { name: "a", address: moved!.address },
    { name: "b", address: added!.address },
  ]);
  await cluster.clock.advance(120_000);

  assertEquals(client.registeredBrokers(), ["a"]);
  assertEquals((await client.brokerConnection("a", TEN_SECONDS)).address, moved!.address);
  const warnings = cluster.logger.matching("addressMap does not map it: no tunnel to b", "warn");
  assertEquals(warnings.length, 1);
  table.set(added!.address, added!.address);
  await cluster.clock.advance(31_000);
  assertEquals(client.registeredBrokers(), ["a", "b"]);
});

Deno.test("links - when addressMap knows no broker at all the error of start() names the option", async () => {
  await using cluster = new ScriptedCluster();
  const client = cluster.client({
    addressMap: () => {
      throw new TypeError("no tunnel");
    },
  });
  const error = await assertRejects(
    () => client.start([TOPIC], TEN_SECONDS),
    TopicRouteNotFoundError,
    "addressMap does not map it: no tunnel",
  );
  assertEquals(error.code, "NO_ROUTE");
});

Deno.test("links - a broker that moved is linked at its new address, the old one left", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const [old, fresh] = cluster.brokers;
  cluster.nameServer.route(TOPIC, [{ name: "a", address: old!.address }]);
  const { client } = await start(cluster);
  cluster.nameServer.route(TOPIC, [{ name: "a", address: fresh!.address }]);
  await client.refreshRoute(TOPIC, TEN_SECONDS);
  await settle();

  assertEquals((await client.brokerConnection("a", TEN_SECONDS)).address, fresh!.address);
  assertEquals(old!.open.length, 1, "check-backs may still come over it");
  await cluster.clock.advance(30_000);
  assertEquals(old!.open.length, 0);
});

Deno.test("links - a route that flaps between two masters makes no storm of dials", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const { client } = await start(cluster);
  for (let second = 0; second < 60; second++) {
    const { address } = cluster.brokers[second % 2]!;
    cluster.nameServer.route(TOPIC, [{ name: "a", address }]);
    await client.refreshRoute(TOPIC, TEN_SECONDS);
    await cluster.clock.advance(1_000);
  }

  for (const { address } of cluster.brokers) {
    const dials = cluster.network.dialsOf(address).length;
    assert(dials <= 4, `${dials} dials of ${address}`);
  }
});

Deno.test("links - who waits for a link may give up, and is told by whom it was", async () => {
  await using cluster = new ScriptedCluster();
  const { client } = await start(cluster);
  cluster.network.fail(cluster.broker.address, "silent");
  cluster.broker.cut();
  await settle();
  const controller = new AbortController();
  const { signal } = controller;
  const failure = assertRejects(
    () => client.brokerConnection("broker-1", { timeout: 60_000, signal }),
    ConnectionError,
  );
  await cluster.clock.advance(1_000);
  controller.abort();
  await cluster.clock.advance(50);

  assertEquals((await failure).code, "ABORTED");
});
