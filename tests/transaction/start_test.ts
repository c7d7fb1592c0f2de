import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { InvalidStateError, RocketMQError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { assertNothingLeft, message, saying } from "./support.ts";

/** Where a start can be when it is interrupted. */
const STAGES: Record<string, (cluster: ScriptedCluster) => void> = {
  "dialling the name server": ({ network, nameServer }) =>
    network.fail(nameServer.address, "silent"),
  "asking for the route": ({ nameServer }) =>
    void nameServer.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, silence),
  "dialling the broker": ({ network, broker }) => network.fail(broker.address, "silent"),
  "sending the heartbeat": ({ broker }) => void broker.on(RequestCode.HEART_BEAT, silence),
};

for (const [title, hang] of Object.entries(STAGES)) {
  Deno.test(`start - shut down while ${title} it ends at once and leaves nothing behind`, async () => {
    await using cluster = new ScriptedCluster();
    hang(cluster);
    const producer = cluster.transactionProducer(saying("COMMIT"));
    const start = watch(producer.start());
    await settle();
    await producer.shutdown();
    assertEquals(cluster.network.openConnections, 0);
    await assertNothingLeft(cluster);

    assertInstanceOf(start.error, InvalidStateError, String(start.error));
    await producer.closed;
    await assertRejects(() => producer.sendMessageInTransaction(message()), InvalidStateError);
  });

  Deno.test(`start - aborted while ${title} it can be repeated`, async () => {
    await using cluster = new ScriptedCluster();
    hang(cluster);
    const controller = new AbortController(), reason = new Error("not now");
    const producer = cluster.transactionProducer(saying("COMMIT"));
    const start = watch(producer.start({ signal: controller.signal }));
    await settle();
    controller.abort(reason);
    await settle();
    await assertNothingLeft(cluster);
    const error = start.error as RocketMQError;
    assertEquals([error.code, error.cause], ["ABORTED", reason]);

    const { network, nameServer, broker } = cluster;
    network.mend(nameServer.address);
    network.mend(broker.address);
    nameServer.on(
      RequestCode.GET_ROUTEINFO_BY_TOPIC,
      ({ extFields }) => nameServer.answer(extFields.topic!),
    );
    broker.on(RequestCode.HEART_BEAT, () => ({}));
    await producer.start();
    assertEquals((await producer.sendMessageInTransaction(message())).endTransaction, "confirmed");
  });
}

Deno.test("start - with a signal that has aborted before nothing is dialled for long", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.transactionProducer(saying("COMMIT"));
  const error = await assertRejects(
    () => producer.start({ signal: AbortSignal.abort() }),
    RocketMQError,
  );

  assertEquals(error.code, "ABORTED");
  await assertNothingLeft(cluster);
  assert(cluster.network.dials.length <= 1);
});

Deno.test("start - twice at once is refused, and the first goes on", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.transactionProducer(saying("COMMIT"));
  const first = producer.start();
  await assertRejects(() => producer.start(), InvalidStateError, "starting already");
  await first;
  await assertRejects(() => producer.start(), InvalidStateError, "running already");
});

Deno.test("start - one that failed leaves nothing behind and can be repeated", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, network, clock } = cluster;
  const producer = cluster.transactionProducer(saying("COMMIT", "COMMIT"), {
    topics: ["TopicTest", "Missing"],
  });
  await assertRejects(() => producer.start(), RocketMQError, '"Missing"');
  await assertNothingLeft(cluster);
  cluster.route("Missing");
  network.fail(broker.address);
  const second = watch(producer.start());
  await clock.advance(11_000);
  assertInstanceOf(second.error, RocketMQError);
  await assertNothingLeft(cluster);
  network.mend(broker.address);
  await producer.start();
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await settle();

  assertEquals(broker.states(), ["COMMIT"]);
});

Deno.test("start - a check-back that comes before it has resolved is answered afterwards", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  broker.once(RequestCode.HEART_BEAT, (command, from) => {
    broker.checkBack(broker.strangeHalf({ transactionId: "A" }), { connection: from });
    from.respond(command);
  });
  const producer = await cluster.started(saying("COMMIT", "COMMIT"));
  await settle();

  assertEquals(broker.states(), ["COMMIT"]);
  assertEquals(producer.stats().askedChecks, 1);
});
