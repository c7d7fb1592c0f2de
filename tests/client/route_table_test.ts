import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { RocketMQError, TopicRouteNotFoundError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import type { TopicRoute } from "../../src/route/mod.ts";
import type { ScriptedBroker } from "../support/scripted_broker.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";

const ASK = RequestCode.GET_ROUTEINFO_BY_TOPIC;
const TEN_SECONDS = { timeout: 10_000 };

function brokersOf(route: TopicRoute | undefined): string[] {
  return [...new Set(route?.writableQueues.map(({ brokerName }) => brokerName))];
}

Deno.test("routes - a topic that does not exist borrows the route of TBW102", async () => {
  await using cluster = new ScriptedCluster();
  cluster.nameServer.route("TBW102", [{ ...cluster.broker, queues: 8 }]);
  const client = cluster.client();
  await client.start(["New"], TEN_SECONDS);
  const route = client.peekRoute("New");

  assertEquals([route?.topic, route?.borrowedFrom], ["New", "TBW102"]);
  assertEquals(route?.writableQueues.length, 4);
  assertEquals(client.registeredBrokers(), ["broker-1"]);

  cluster.nameServer.route("New", [{ ...cluster.broker, queues: 2 }]);
  await cluster.clock.advance(30_000);
  assertEquals(client.peekRoute("New")?.borrowedFrom, undefined);
  assertEquals(client.peekRoute("New")?.writableQueues.length, 2);
});

Deno.test("routes - a topic that nobody knows is an error with the remedy", async () => {
  await using cluster = new ScriptedCluster();
  const error = await assertRejects(
    () => cluster.client().start(["Missing"], TEN_SECONDS),
    TopicRouteNotFoundError,
  );

  assertEquals([error.code, error.topic], ["NO_ROUTE", "Missing"]);
  for (const part of ['"Missing"', "10.0.0.1:9876", "TBW102", "create the topic"]) {
    assertStringIncludes(error.message, part);
  }
});

Deno.test("routes - a route without a master is an error with the remedy", async () => {
  await using cluster = new ScriptedCluster();
  cluster.nameServer.route(TOPIC, [{ name: "broker-1" }]);
  const error = await assertRejects(
    () => cluster.client().start([TOPIC], TEN_SECONDS),
    TopicRouteNotFoundError,
  );
  assertStringIncludes(error.message, 'start the master (brokerId=0) of "broker-1"');
});

Deno.test("routes - a poll brings a new broker, which gets its heartbeat at once", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const [old, fresh] = cluster.brokers;
  cluster.route(TOPIC, [old!]);
  const seen: string[] = [];
  const client = cluster.client({ heartbeatInterval: 1_000_000 }, {
    onRouteChanged: (route) => void seen.push(`route of ${route.brokerNames}`),
    onRegistered: (name, address) => void seen.push(`registered ${name} ${address}`),
  });
  await client.start([TOPIC], TEN_SECONDS);
  cluster.route(TOPIC, [old!, fresh!]);
  await cluster.clock.advance(29_999);
  assertEquals(fresh!.heartbeats(), []);
  await cluster.clock.advance(1);

  assertEquals(fresh!.heartbeats().map(({ clientId }) => clientId), ["127.0.0.1@test"]);
  assertEquals(client.registeredBrokers(), ["broker-1", "broker-2"]);
  assertEquals(seen, [
    "route of broker-1",
    "registered broker-1 10.0.1.1:10911",
    "route of broker-1,broker-2",
    "registered broker-2 10.0.1.2:10911",
  ]);
});

Deno.test("routes - an unchanged route is no news", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  let changes = 0;
  const client = cluster.client({}, { onRouteChanged: () => changes++ });
  await client.start([TOPIC], TEN_SECONDS);
  cluster.route(TOPIC, cluster.brokers.toReversed());
  await cluster.clock.advance(90_000);

  assertEquals(cluster.nameServer.asked().length, 4);
  assertEquals(changes, 1);
});

const KEPT: Record<string, (cluster: ScriptedCluster) => void> = {
  "does not answer": ({ nameServer }) => void nameServer.on(ASK, silence),
  "is gone": ({ network, nameServer }) => {
    network.fail(nameServer.address);
    nameServer.cut();
  },
  "does not know the topic any more": ({ nameServer }) => nameServer.forget(TOPIC),
  "knows only the default topic": ({ nameServer }) => {
    nameServer.forget(TOPIC);
    nameServer.route("TBW102", [{ name: "other", address: "10.0.1.1:10911" }]);
  },
  "answers with an error": ({ nameServer }) => void nameServer.on(ASK, () => ({ code: 1 })),
};

for (const [title, misbehave] of Object.entries(KEPT)) {
  Deno.test(`routes - when the name server ${title}, the known route stays`, async () => {
    await using cluster = new ScriptedCluster();
    const client = cluster.client();
    await client.start([TOPIC], TEN_SECONDS);
    misbehave(cluster);
    await cluster.clock.advance(120_000);

    assertEquals(brokersOf(client.peekRoute(TOPIC)), ["broker-1"]);
    assertEquals(client.registeredBrokers(), ["broker-1"]);
    assertEquals(cluster.broker.connections.length, 1);
  });
}

Deno.test("routes - one look-up serves all who ask at once, each with its own deadline", async () => {
  await using cluster = new ScriptedCluster();
  cluster.nameServer.once(ASK, silence);
  const client = cluster.client();
  const hasty = assertRejects(() => client.route(TOPIC, { timeout: 50 }), RocketMQError);
  const patient = watch(client.route(TOPIC, TEN_SECONDS));
  await cluster.clock.advance(100);
  assertEquals((await hasty).code, "TIMEOUT");
  await cluster.clock.advance(1_000);

  assertEquals(patient.state, "resolved", `${patient.error}`);
  assertEquals(cluster.nameServer.asked().length, 2);
});

Deno.test("routes - allowBroker decides where the user wants to decide", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const asked: string[] = [];
  const client = cluster.client({
    allowBroker: (host, port) => asked.push(`${host} ${port}`) > 0 && host.endsWith(".2"),
  });
  await client.start([TOPIC], TEN_SECONDS);

  assertEquals(asked, ["10.0.1.1 10911", "10.0.1.2 10911"]);
  assertEquals(client.registeredBrokers(), ["broker-2"]);
  assertEquals(cluster.broker.connections, []);
});

Deno.test("routes - a broker that is set to read-only is left, and a gap of a name server is not heeded", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const [a, b] = cluster.brokers;
  const client = cluster.client();
  await client.start([TOPIC], TEN_SECONDS);
  const queuesOf = () => brokersOf(client.peekRoute(TOPIC));
  const entry = ({ name, address }: ScriptedBroker, perm = 6) => ({ name, address, perm });
  cluster.nameServer.route(TOPIC, [entry(a!, 4)]);
  await cluster.clock.advance(60_000);
  assertEquals(queuesOf(), ["broker-1", "broker-2"], "it does not speak of the second one");
  cluster.nameServer.route(TOPIC, [entry(a!, 4), entry(b!)]);
  await cluster.clock.advance(30_000);
  assertEquals(queuesOf(), ["broker-2"]);
  cluster.nameServer.route(TOPIC, [entry(a!, 4), entry(b!, 4)]);
  await cluster.clock.advance(30_000);
  assertEquals(queuesOf(), []);
  assertStringIncludes(
    client.peekRoute(TOPIC)!.describeUnwritable()!,
    "not writable on any broker",
  );
});
