import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BrokerResponseError,
  ConnectionError,
  RocketMQError,
  TopicRouteNotFoundError,
} from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { ScriptedNameServer } from "../support/scripted_name_server.ts";
import { type Reaction, silence } from "../support/scripted_peer.ts";

const ASK = RequestCode.GET_ROUTEINFO_BY_TOPIC;

/** How a name server can be useless, and what is told of it. */
const FAULTS: Record<string, { set: (cluster: ScriptedCluster) => void; reason: string }> = {
  "refuses connections": {
    set: ({ network, nameServer }) => network.fail(nameServer.address),
    reason: "connection refused, nothing listens there",
  },
  "is a black hole": {
    set: ({ network, nameServer }) => network.fail(nameServer.address, "silent"),
    reason: "no connection within",
  },
  "never answers": {
    set: react(silence),
    reason: "no answer within",
  },
  "sends garbage": {
    set: react((_command, from) => from.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff))),
    reason: "Cannot decode frame",
  },
  "speaks HTTP": {
    set: react((_command, from) => from.send(new TextEncoder().encode("HTTP/1.1 400 Bad\r\n"))),
    reason: "HTTP",
  },
  "closes the connection": {
    set: react((_command, from) => from.end()),
    reason: "the peer closed the connection",
  },
  "answers with an error": {
    set: react(() => ({ code: 1, remark: "out of\nmemory" })),
    reason: 'response code 1, "out of\\nmemory"',
  },
  "answers with no body": {
    set: react(() => ({ code: 0 })),
    reason: "Cannot read route",
  },
  "answers with no route": {
    set: react(() => ({ body: new TextEncoder().encode("<html>") })),
    reason: "Cannot read route",
  },
};

function react(reaction: Reaction): (cluster: ScriptedCluster) => void {
  return ({ nameServer }) => void nameServer.on(ASK, reaction);
}

for (const [title, { set, reason }] of Object.entries(FAULTS)) {
  Deno.test(`name servers - when the first ${title}, the second is asked within the time`, async () => {
    await using cluster = new ScriptedCluster({ nameServers: 2 });
    set(cluster);
    const client = cluster.client();
    const route = watch(client.route(TOPIC, { timeout: 3_000 }));
    await cluster.clock.advance(1_500);

    assertEquals(route.state, "resolved");
    assertEquals(cluster.nameServers[1]!.asked(), [TOPIC]);
  });

  Deno.test(`name servers - when the only one ${title}, the error says so in time`, async () => {
    await using cluster = new ScriptedCluster();
    set(cluster);
    const client = cluster.client();
    const failure = assertRejects(() => client.start([TOPIC], { timeout: 2_000 }), RocketMQError);
    await cluster.clock.advance(2_000);
    const error = await failure;

    assertStringIncludes(error.message, cluster.nameServer.address);
    assertStringIncludes(error.message, reason);
    if (error instanceof BrokerResponseError) assertEquals(error.responseCode, 1);
    else {
      assertStringIncludes(error.message, "nameServers");
      assertEquals(error.isRetriable, title !== "speaks HTTP");
    }
  });
}

Deno.test("name servers - those that are about to start are waited for as long as start() may take", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 2 });
  const { clock, network, nameServers } = cluster;
  for (const { address } of nameServers) network.fail(address);
  const client = cluster.client();
  const start = watch(client.start([TOPIC], { timeout: 10_000 }));
  await clock.advance(6_000);
  assertEquals(start.state, "pending");
  network.mend(nameServers[0]!.address);
  await clock.advance(3_900);

  assertEquals(start.state, "resolved");
});

Deno.test("name servers - those that never start fail start() at its deadline, with the reason", async () => {
  await using cluster = new ScriptedCluster();
  cluster.network.fail(cluster.nameServer.address);
  const start = watch(cluster.client().start([TOPIC], { timeout: 5_000 }));
  await cluster.clock.advance(4_000);
  assertEquals(start.state, "pending");
  await cluster.clock.advance(1_000);

  assertInstanceOf(start.error, ConnectionError);
  assertStringIncludes(start.error.message, "connection refused");
  assert(start.error.isRetriable);
});

Deno.test("name servers - a permission that is missing is not waited for", async () => {
  await using cluster = new ScriptedCluster();
  const denied = Object.assign(new Error("Requires net access"), { name: "NotCapable" });
  const client = cluster.client({ dialer: () => Promise.reject(denied) });
  const start = watch(client.start([TOPIC], { timeout: 10_000 }));
  await cluster.clock.advance(1_000);

  assertInstanceOf(start.error, ConnectionError);
  assert(!start.error.isRetriable);
});

Deno.test("name servers - the one that answered is asked again, not the dead one before it", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 3 });
  const [first, second, third] = cluster.nameServers;
  cluster.network.fail(first!.address, "silent");
  cluster.route("Other");
  const client = cluster.client();
  const route = client.route(TOPIC, { timeout: 3_000 });
  await cluster.clock.advance(1_000);
  await route;
  await client.route("Other", { timeout: 1 });

  assertEquals(second!.asked(), [TOPIC, "Other"]);
  assertEquals(third!.asked(), []);
  assertEquals(cluster.network.dialsOf(first!.address).length, 1);
});

Deno.test("name servers - one that is silent takes no more than its share of the time", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 3 });
  const [first, second] = cluster.nameServers;
  first!.on(ASK, silence);
  cluster.network.fail(second!.address, "silent");
  const route = watch(cluster.client().route(TOPIC, { timeout: 3_000 }));
  await cluster.clock.advance(1_999);
  assertEquals(route.state, "pending");
  await cluster.clock.advance(2);

  assertEquals(route.state, "resolved");
});

Deno.test("name servers - a connection on which nothing comes any more is replaced", async () => {
  await using cluster = new ScriptedCluster();
  const { nameServer, clock } = cluster;
  const client = cluster.client();
  await client.start([TOPIC], { timeout: 1_000 });
  nameServer.on(ASK, silence);
  await clock.advance(35_999);
  assertEquals([nameServer.connections.length, nameServer.open.length], [1, 1]);
  await clock.advance(1);
  assertEquals(nameServer.open.length, 0, "neither the poll nor the probe was answered");
  nameServer.on(ASK, ({ extFields }) => nameServer.answer(extFields.topic!));
  await clock.advance(30_000);

  assertEquals([nameServer.connections.length, nameServer.open.length], [2, 1]);
});

Deno.test("name servers - a name is resolved anew by every dial", async () => {
  await using cluster = new ScriptedCluster();
  const { network } = cluster;
  const addresses = ["10.0.0.1", "10.0.0.7"], dialled: string[] = [];
  const moved = new ScriptedNameServer("10.0.0.7:9876");
  moved.route(TOPIC, cluster.brokers);
  network.listen(moved.address, moved);
  const client = cluster.client({
    nameServers: "mq.example:9876",
    dialer: (host, port, options) => {
      dialled.push(host);
      const isName = host === "mq.example";
      return network.dialer(isName ? addresses[0]! : host, port, options);
    },
  });
  await client.route(TOPIC, { timeout: 1_000 });
  addresses.shift();
  cluster.nameServer.cut();
  await settle();
  const again = client.refreshRoute(TOPIC, { timeout: 1_000 });
  await cluster.clock.advance(1_000);
  await again;

  assertEquals(dialled.filter((host) => host === "mq.example").length, 2);
  assertEquals(moved.asked(), [TOPIC]);
});

Deno.test("name servers - clients do not all begin with the first", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 2 });
  cluster.clock.chance = () => 0.5;
  await cluster.client().route(TOPIC, { timeout: 1_000 });

  assertEquals(cluster.nameServers.map((server) => server.asked()), [[], [TOPIC]]);
});

Deno.test("name servers - a topic that the first does not know yet is looked up at the second", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 2 });
  const [restarted, other] = cluster.nameServers;
  restarted!.forget(TOPIC);
  await cluster.client().route(TOPIC, { timeout: 1_000 });

  assertEquals(restarted!.asked(), [TOPIC]);
  assertEquals(other!.asked(), [TOPIC]);
});

Deno.test("name servers - one that just failed is not waited for when the other knows no route", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 2 });
  const [dead, alive] = cluster.nameServers;
  cluster.network.fail(dead!.address, "silent");
  const client = cluster.client();
  const known = client.route(TOPIC, { timeout: 3_000 });
  await cluster.clock.advance(1_500);
  await known;
  await assertRejects(() => client.route("Unknown", { timeout: 1 }), TopicRouteNotFoundError);

  assert(alive!.asked().includes("Unknown"));
  assertEquals(cluster.network.dialsOf(dead!.address).length, 1);
});

Deno.test("name servers - a start waits for brokers that have to register again", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 2 });
  const { clock, nameServers } = cluster;
  for (const nameServer of nameServers) {
    nameServer.forget(TOPIC);
    nameServer.knowsBrokers = false;
  }
  const start = watch(cluster.client().start([TOPIC], { timeout: 10_000 }));
  await clock.advance(8_000);
  assertEquals(start.state, "pending");
  cluster.route(TOPIC);
  await clock.advance(1_000);

  assertEquals(start.state, "resolved");
});

Deno.test("name servers - a start without any broker fails at its deadline, and says that one must run", async () => {
  await using cluster = new ScriptedCluster();
  cluster.nameServer.forget(TOPIC);
  cluster.nameServer.knowsBrokers = false;
  const start = watch(cluster.client().start([TOPIC], { timeout: 2_000 }));
  await cluster.clock.advance(2_000);

  assert(start.error instanceof TopicRouteNotFoundError);
  assertStringIncludes(start.error.message, "if no broker runs, start one");
});

Deno.test("name servers - a start whose topic no broker has fails at once", async () => {
  await using cluster = new ScriptedCluster();
  const client = cluster.client();

  await assertRejects(
    () => client.start(["Mistyped"], { timeout: 10_000 }),
    TopicRouteNotFoundError,
  );
});

Deno.test("name servers - one that comes back is used when the other fails", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 2 });
  const [first, second] = cluster.nameServers;
  cluster.route("Other");
  cluster.network.fail(first!.address);
  const client = cluster.client();
  await client.route(TOPIC, { timeout: 1_000 });
  cluster.network.mend(first!.address);
  cluster.network.fail(second!.address);
  second!.cut();
  const route = client.route("Other", { timeout: 3_000 });
  await cluster.clock.advance(2_000);
  await route;

  assertEquals(first!.asked(), ["Other"]);
});

Deno.test("name servers - when all are down the error has the reason of each, in time", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 3 });
  const [refusing, silent, broken] = cluster.nameServers;
  cluster.network.fail(refusing!.address);
  silent!.on(ASK, silence);
  broken!.on(ASK, () => ({ code: 1, remark: "broken" }));
  const client = cluster.client();
  const failure = assertRejects(() => client.start([TOPIC], { timeout: 2_400 }), RocketMQError);
  await cluster.clock.advance(2_400);
  const { code, message, cause } = await failure;

  assertEquals(code, "TIMEOUT");
  for (const { address } of cluster.nameServers) assertStringIncludes(message, address);
  for (const reason of ["connection refused", "no answer within", '"broken"']) {
    assertStringIncludes(message, reason);
  }
  assert(cause instanceof AggregateError);
  assertEquals(cause.errors.length, 3);
});

Deno.test("name servers - when all are silent the error has the reason of each at the deadline", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 2 });
  for (const nameServer of cluster.nameServers) nameServer.on(ASK, silence);
  const client = cluster.client();
  const failure = watch(client.start([TOPIC], { timeout: 1_000 }));
  await cluster.clock.advance(999);
  assertEquals(failure.state, "pending");
  await cluster.clock.advance(51);

  const { message } = failure.error as RocketMQError;
  assertEquals(message.match(/no answer within 500 ms/g)?.length, 2);
});

Deno.test("name servers - a caller who aborts does not wait for the rest", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 2 });
  for (const { address } of cluster.nameServers) cluster.network.fail(address, "silent");
  const controller = new AbortController(), reason = new Error("no time");
  const { signal } = controller;
  const client = cluster.client();
  const failure = assertRejects(
    () => client.start([TOPIC], { timeout: 10_000, signal }),
    RocketMQError,
  );
  await settle();
  controller.abort(reason);
  const error = await failure;

  assertEquals([error.code, error.isRetriable], ["ABORTED", false]);
  assertEquals(error.cause, reason);
  await client.close(0);
  await settle();
  assertEquals([cluster.network.dialling, cluster.clock.pendingTimers], [0, 0]);
});
