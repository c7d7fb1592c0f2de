import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { CheckRequest } from "../../src/client/mod.ts";
import { ConnectionError, InvalidStateError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import type { CheckBackOptions } from "../support/scripted_broker.ts";
import { silence } from "../support/scripted_peer.ts";

const TEN_SECONDS = { timeout: 10_000 };

/** A client with the groups `orders` and `payments`, and the check-backs that they got. */
async function startTwoGroups(cluster: ScriptedCluster) {
  const taken: { group: string; check: CheckRequest }[] = [];
  const client = cluster.client();
  for (const group of ["orders", "payments"]) {
    client.addGroup(group, (check) => void taken.push({ group, check }));
  }
  await client.start([TOPIC], TEN_SECONDS);
  return { client, taken };
}

Deno.test("ClientInstance - check-backs go to the producer of their group", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const { taken } = await startTwoGroups(cluster);
  const [one, two] = cluster.brokers;
  one!.checkBack(one!.strangeHalf({ transactionId: "A", group: "payments" }));
  two!.checkBack(two!.strangeHalf({ transactionId: "B", group: "orders" }));
  await settle();

  assertEquals(
    taken.map(({ group, check }) => [group, check.header.transactionId, check.brokerName]),
    [["payments", "A", "broker-1"], ["orders", "B", "broker-2"]],
  );
});

Deno.test("ClientInstance - a group can be taken once", async () => {
  await using cluster = new ScriptedCluster();
  const { client } = await startTwoGroups(cluster);
  assertThrows(() => client.addGroup("orders", () => {}), InvalidStateError, '"orders"');
});

/** Check-backs that can't be answered, and the warning about them. */
const IGNORED: Record<string, { options: CheckBackOptions; group?: string }> = {
  "no body": { options: { body: new Uint8Array() } },
  "a body that is cut off": { options: { body: Uint8Array.of(0, 0, 0, 90, 0xda, 0xa3, 0x20) } },
  "a body of zeros": { options: { body: new Uint8Array(200) } },
  "no group": { options: { properties: { PGROUP: undefined } } },
  "a group that is not here": { options: {}, group: "strangers" },
  "no queue offset": { options: { header: { tranStateTableOffset: undefined } } },
  "an empty offset": { options: { header: { commitLogOffset: "" } } },
  "an offset of letters": { options: { header: { commitLogOffset: "abc" } } },
  "an offset with an exponent": { options: { header: { commitLogOffset: "1e3" } } },
  "a negative offset": { options: { header: { tranStateTableOffset: "-1" } } },
  "an offset with a space": { options: { header: { tranStateTableOffset: " 5" } } },
  "an offset beyond 64 bits": { options: { header: { commitLogOffset: "9223372036854775808" } } },
};

for (const [title, { options, group = "orders" }] of Object.entries(IGNORED)) {
  Deno.test(`ClientInstance - a check-back with ${title} is ignored with one warning a minute`, async () => {
    await using cluster = new ScriptedCluster();
    const { client, taken } = await startTwoGroups(cluster);
    const { broker, logger } = cluster;
    for (let i = 0; i < 100; i++) {
      broker.checkBack(broker.strangeHalf({ transactionId: `T${i}`, group }), options);
    }
    await settle();

    assertEquals(taken, []);
    assertEquals(logger.matching("Ignored a check-back from 10.0.1.1:10911", "warn").length, 1);
    assertEquals(client.registeredBrokers(), ["broker-1"], "the connection stays");
    broker.checkBack(broker.strangeHalf({ transactionId: "good", group: "orders" }));
    await settle();
    assertEquals(taken.length, 1);
  });
}

Deno.test("ClientInstance - warnings about many strange groups do not pile up", async () => {
  await using cluster = new ScriptedCluster();
  await startTwoGroups(cluster);
  const { broker, logger } = cluster;
  for (let i = 0; i < 1_000; i++) {
    broker.checkBack(broker.strangeHalf({ transactionId: "T", group: `stranger-${i}` }));
  }
  await settle();

  assertEquals(logger.matching("Ignored a check-back", "warn").length, 1);
  await cluster.clock.advance(60_000);
  broker.checkBack(broker.strangeHalf({ transactionId: "T", group: "stranger\u001b[31m" }));
  await settle();
  const [, second] = logger.matching("Ignored a check-back", "warn");
  assert(second!.includes('"stranger\\u001b[31m"'), second);
});

Deno.test("ClientInstance - the largest offset there is arrives as it is", async () => {
  await using cluster = new ScriptedCluster();
  const { taken } = await startTwoGroups(cluster);
  const { broker } = cluster;
  broker.checkBack(broker.strangeHalf({ transactionId: "T", group: "orders" }), {
    header: { commitLogOffset: "9223372036854775807", tranStateTableOffset: "9007199254740993" },
  });
  await settle();

  const { header } = taken[0]!.check;
  assertEquals(header.commitLogOffset, 9223372036854775807n);
  assertEquals(header.tranStateTableOffset, 9007199254740993n);
});

Deno.test("ClientInstance - a two-way check-back also gets an empty response", async () => {
  await using cluster = new ScriptedCluster();
  const { taken } = await startTwoGroups(cluster);
  const { broker } = cluster;
  const half = broker.strangeHalf({ transactionId: "T", group: "orders" });
  broker.checkBack(half, { twoWay: true });
  await settle();

  assertEquals(taken.length, 1);
  assertEquals(broker.connection.responses.map(({ code }) => code), [0]);
});

Deno.test("ClientInstance - a name server may not ask back", async () => {
  await using cluster = new ScriptedCluster();
  const { taken } = await startTwoGroups(cluster);
  const { broker, nameServer } = cluster;
  const half = broker.strangeHalf({ transactionId: "T", group: "orders" });
  broker.checkBack(half, { connection: nameServer.connection, twoWay: true });
  await settle();

  assertEquals(taken, []);
  assertEquals(nameServer.connection.responses.map(({ code }) => code), [3]);
});

Deno.test("ClientInstance - a check-back right behind the first heartbeat's answer knows its broker", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  broker.once(RequestCode.HEART_BEAT, (command, from) => {
    from.respond(command);
    const half = broker.strangeHalf({ transactionId: "T", group: "orders" });
    broker.checkBack(half, { connection: from, header: { bname: undefined } });
  });
  const { taken } = await startTwoGroups(cluster);
  await settle();

  assertEquals(taken.map(({ check }) => check.brokerName), ["broker-1"]);
});

Deno.test("ClientInstance - at the end each broker is told of each group, then all is closed", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const { client } = await startTwoGroups(cluster);
  await client.close(1_000);

  for (const broker of cluster.brokers) {
    assertEquals(
      broker.requests(RequestCode.UNREGISTER_CLIENT).map(({ extFields }) => extFields),
      [
        { clientID: "127.0.0.1@test", producerGroup: "orders" },
        { clientID: "127.0.0.1@test", producerGroup: "payments" },
      ],
    );
    assertEquals(broker.open.length, 0);
  }
  assertEquals(client.openConnections, 0);
  await settle();
  assertEquals([cluster.network.openConnections, cluster.clock.pendingTimers], [0, 0]);
});

Deno.test("ClientInstance - a broker that does not say farewell does not delay the end for long", async () => {
  await using cluster = new ScriptedCluster();
  const { client } = await startTwoGroups(cluster);
  cluster.broker.on(RequestCode.UNREGISTER_CLIENT, silence);
  const closed = client.close(1_000);
  await cluster.clock.advance(1_000);
  await closed;

  assertEquals(cluster.broker.open.length, 0);
});

Deno.test("ClientInstance - once closed, who asks for a broker is told so at once", async () => {
  await using cluster = new ScriptedCluster();
  const { client } = await startTwoGroups(cluster);
  await client.close(1_000);
  const error = await assertRejects(
    () => client.brokerConnection("broker-1", { timeout: 60_000 }),
    ConnectionError,
    "closed",
  );

  assertEquals([error.isRetriable, error.written], [false, false]);
  assertEquals(cluster.clock.pendingTimers, 0);
});
