import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { ConnectionError, RocketMQError, TopicRouteNotFoundError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { message, saying } from "../transaction/support.ts";

/** Code of an application: each of these functions has to be named in the stack of what it gets. */
async function placeOrder<T>(call: () => Promise<T>): Promise<T> {
  return await call();
}

async function placeOtherOrder<T>(call: () => Promise<T>): Promise<T> {
  return await call();
}

Deno.test("errors - a time-out that a timer found names the line that sent", async () => {
  await using cluster = new ScriptedCluster();
  cluster.broker.on(RequestCode.SEND_MESSAGE_V2, silence);
  const producer = await cluster.started(saying("COMMIT"));
  const calls: (() => Promise<unknown>)[] = [
    () => producer.send(message()),
    () => producer.sendMessageInTransaction(message()),
    () => producer.transaction(message(), () => {}),
    () => producer.begin(message()),
  ];
  for (const call of calls) {
    const ended = watch(placeOrder(call));
    await cluster.clock.advance(10_000);
    assertInstanceOf(ended.error, RocketMQError);
    assertStringIncludes(ended.error.stack!, "at async placeOrder");
    assertStringIncludes(ended.error.stack!, "no answer within");
  }
});

Deno.test("errors - a look-up that several calls share names each of them, in an error of its own", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  const calls = [placeOrder, placeOtherOrder].map((place) =>
    watch(place(() => producer.send(message({ topic: "missing" }))))
  );
  await settle();
  await cluster.clock.advance(5_000);
  const [first, second] = calls.map(({ error }) => error as Error);
  for (const error of [first, second]) {
    assertInstanceOf(error, TopicRouteNotFoundError);
    assertEquals([error.code, error.topic, error.name], [
      "NO_ROUTE",
      "missing",
      "TopicRouteNotFoundError",
    ]);
  }
  assertEquals(first!.message, second!.message);
  assert(first!.stack!.includes("at async placeOrder") && !first!.stack!.includes("OtherOrder"));
  assert(second!.stack!.includes("at async placeOtherOrder"));
  assert(!second!.stack!.includes("at async placeOrder"));
});

Deno.test("errors - a start that fails names the line that started", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer({ topics: ["missing"] });
  const ended = watch(placeOrder(() => producer.start()));
  await cluster.clock.advance(20_000);
  assertInstanceOf(ended.error, TopicRouteNotFoundError);
  assertStringIncludes(ended.error.stack!, "at async placeOrder");
});

Deno.test("errors - requests have names, and an unknown code its number", async () => {
  await using cluster = new ScriptedCluster();
  cluster.broker.on(RequestCode.SEND_MESSAGE_V2, silence);
  const producer = cluster.producer({ retries: 0 });
  await producer.start();
  const ended = watch(producer.send(message({ topic: TOPIC })));
  await cluster.clock.advance(5_000);
  assertInstanceOf(ended.error, ConnectionError);
  assertStringIncludes(
    ended.error.message,
    `Cannot complete SEND_MESSAGE_V2 to ${cluster.broker.address}: no answer within 3000 ms`,
  );
});

Deno.test("errors - a plain client at a server that wants TLS is told so", async () => {
  await using cluster = new ScriptedCluster();
  cluster.nameServer.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, (_command, from) => from.end());
  const producer = cluster.producer({
    dialer: async (...args) => ({
      ...await cluster.network.dialer(...args),
      encrypted: false,
    }),
  });
  const ended = watch(producer.start());
  await cluster.clock.advance(20_000);
  assertInstanceOf(ended.error, ConnectionError);
  assertStringIncludes(
    ended.error.message,
    "the peer closed the connection before it had sent anything, as one does that demands TLS: if " +
      "tls.server.mode is enforcing there, set the option tls",
  );
});
