import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { ConnectionError, RocketMQError, type SendOptions } from "../../mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { assertSendFailed } from "../transaction/support.ts";
import { message } from "./support.ts";

const SEND = RequestCode.SEND_MESSAGE_V2;

/** Something that a send waits for. */
interface Stage {
  /** Where it waits, as a sentence goes on. */
  where: string;
  /** Makes the cluster such that sends wait there. */
  prepare(cluster: ScriptedCluster): void | Promise<void>;
  /** The topic that is sent to. */
  topic?: string;
  /** Whether the broker may have the message then. */
  written: boolean;
}

const STAGES: Stage[] = [
  {
    where: "for the route of its topic",
    prepare: ({ nameServer }) => void nameServer.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, silence),
    topic: "Unknown",
    written: false,
  },
  {
    where: "for a dial",
    async prepare({ network, broker, clock }) {
      network.fail(broker.address, "silent");
      broker.cut();
      await clock.advance(300);
    },
    written: false,
  },
  {
    where: "between two dials that were refused",
    async prepare({ network, broker, clock }) {
      network.fail(broker.address, "refused");
      broker.cut();
      await clock.advance(300);
    },
    written: false,
  },
  {
    where: "for the first heartbeat of a connection",
    async prepare({ broker, clock }) {
      broker.on(RequestCode.HEART_BEAT, silence);
      broker.cut();
      await clock.advance(300);
    },
    written: false,
  },
  {
    where: "for its answer",
    prepare: ({ broker }) => void broker.on(SEND, silence),
    written: true,
  },
];

for (const { where, prepare, topic, written } of STAGES) {
  Deno.test(`cancel - a send that waits ${where} ends at once`, async () => {
    await using cluster = new ScriptedCluster();
    const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" });
    await prepare(cluster);
    const fields = topic === undefined ? {} : { topic };
    const kinds: Record<string, (options: SendOptions) => Promise<unknown>> = {
      "send()": (options) => producer.send(message(fields), options),
      "request()": (options) => producer.request(message(fields), options),
      "sendMessageInTransaction()": (options) =>
        producer.sendMessageInTransaction(message(fields), undefined, options),
    };
    if (!written) {
      kinds["sendOneway()"] = (options) => producer.sendOneway(message(fields), options);
    }
    for (const [kind, send] of Object.entries(kinds)) {
      const controller = new AbortController(), { signal } = controller;
      const watched = watch(send({ signal, timeout: 20_000 }));
      await settle();
      assertEquals(watched.state, "pending", `${kind} waits`);
      const reason = new Error("the user went away");
      controller.abort(reason);
      await settle();

      const { error } = watched;
      if (kind === "sendMessageInTransaction()") {
        assertSendFailed(error, written ? "indeterminate" : "failed");
      } else {
        assertInstanceOf(error, ConnectionError, `${kind}: ${watched.state}`);
        assertEquals([error.code, error.written, error.isRetriable], ["ABORTED", written, false]);
      }
      assertInstanceOf(error, RocketMQError);
      assertEquals(error.name, "AbortError", "as errors of the platform are called");
      assertStrictEquals(error.cause, reason);
    }
    const sent = cluster.broker.requests(SEND).length;
    await cluster.clock.advance(5_000);
    assertEquals(cluster.broker.requests(SEND).length, sent, "nothing goes on behind the caller");
    assertEquals(sent, written ? 3 : 0);
  });
}

Deno.test("cancel - a send that waits for its turn ends at once, and never leaves", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  broker.on(SEND, silence);
  const producer = cluster.producer({ maxSendsInFlight: 1 });
  await producer.start();
  const first = watch(producer.send(message({ body: "first" })));
  const controller = new AbortController(), { signal } = controller;
  const second = watch(producer.send(message({ body: "second" }), { signal }));
  await settle();
  const reason = new Error("the user went away");
  controller.abort(reason);
  await settle();

  assertInstanceOf(second.error, ConnectionError);
  const { code, written, cause } = second.error;
  assertEquals([code, written, first.state], ["ABORTED", false, "pending"]);
  assertStrictEquals(cause, reason);
  await cluster.clock.advance(3_000);
  assertEquals(broker.requests(SEND).length, 1);
  const late = await assertRejects(() => producer.send(message(), { signal }), ConnectionError);
  assertEquals([late.code, late.written], ["ABORTED", false]);
});

Deno.test("cancel - a send that rests because its broker is busy ends at once: nothing was stored", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  broker.on(SEND, () => ({ code: 2 }));
  const producer = cluster.producer({ retries: 16 });
  await producer.start();
  const controller = new AbortController(), { signal } = controller;
  const send = watch(producer.send(message(), { signal, timeout: 60_000 }));
  await cluster.clock.advance(160);
  assertEquals([send.state, broker.requests(SEND).length], ["pending", 3]);
  controller.abort();
  await settle();

  const { code, written } = send.error as ConnectionError;
  assertEquals([code, written], ["ABORTED", false]);
  await cluster.clock.advance(5_000);
  assertEquals(broker.requests(SEND).length, 3);
});

Deno.test("cancel - a send that rests says when an earlier try may have been stored", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const [a, b] = cluster.brokers;
  a!.on(SEND, silence);
  b!.on(SEND, () => ({ code: 2 }));
  const producer = cluster.producer({ retries: 16, sendTimeoutPerTry: 100 });
  await producer.start();
  const controller = new AbortController(), { signal } = controller;
  const send = watch(producer.send(message(), { signal, timeout: 60_000 }));
  await cluster.clock.advance(210);
  assertEquals([a!, b!].map((broker) => broker.requests(SEND).length), [2, 1]);
  controller.abort();
  await settle();

  assertInstanceOf(send.error, ConnectionError, "may have been stored");
  assertEquals([send.error.code, send.error.written], ["ABORTED", true]);
});

Deno.test("cancel - a one-way message that the socket does not take ends at once", async () => {
  await using cluster = new ScriptedCluster();
  const producer = cluster.producer();
  await producer.start();
  cluster.network.ends.get(cluster.broker.address)!.hold();
  const controllers = [new AbortController(), new AbortController()];
  const sends = controllers.map(({ signal }) => watch(producer.sendOneway(message(), { signal })));
  await settle();
  for (const controller of controllers) controller.abort();
  await settle();

  const ends = sends.map(({ error }) => (error as ConnectionError).code);
  assertEquals(ends, ["ABORTED", "ABORTED"]);
});
