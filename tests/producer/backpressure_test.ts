import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { Producer, type ProducerOptions } from "../../mod.ts";
import { ConnectionError, InvalidArgumentError, InvalidStateError } from "../../src/errors.ts";
import { type RemotingCommand, RequestCode, ResponseCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import type { ScriptedConnection } from "../support/scripted_peer.ts";
import { message } from "./support.ts";

const SEND = RequestCode.SEND_MESSAGE_V2;

/** A broker that answers sends only when it is told to, and a producer. */
class SlowBroker {
  readonly cluster: ScriptedCluster;
  readonly producer: Producer;
  readonly #held: [RemotingCommand, ScriptedConnection][] = [];

  private constructor(cluster: ScriptedCluster, options: Partial<ProducerOptions>) {
    this.cluster = cluster;
    this.producer = cluster.producer(options);
    cluster.broker.on(SEND, (command, connection) => void this.#held.push([command, connection]));
  }

  static async start(
    stack: AsyncDisposableStack,
    options: Partial<ProducerOptions>,
  ): Promise<SlowBroker> {
    const broker = new SlowBroker(stack.use(new ScriptedCluster()), options);
    await broker.producer.start();
    return broker;
  }

  /** Sends messages with these bodies, all at once. */
  async send(...bodies: string[]) {
    const sends = bodies.map((body) => watch(this.producer.send(message({ body }))));
    await settle();
    return sends;
  }

  /** The bodies that have come. */
  get came(): string[] {
    return this.cluster.broker.requests(SEND).map(({ body }) => new TextDecoder().decode(body));
  }

  /** Answers the oldest sends. */
  async answer(count = 1): Promise<void> {
    for (const [command, connection] of this.#held.splice(0, count)) {
      connection.respond(command, this.cluster.broker.store(command, connection));
    }
    await settle();
  }
}

function assertOverloaded(error: unknown, ...parts: string[]): void {
  assertInstanceOf(error, ConnectionError);
  assertEquals([error.code, error.written, error.isRetriable], ["OVERLOADED", false, true]);
  for (const part of parts) assertStringIncludes(error.message, part);
}

Deno.test("maxSendsInFlight - further sends wait and go in their order", async () => {
  await using stack = new AsyncDisposableStack();
  const broker = await SlowBroker.start(stack, { maxSendsInFlight: 2 });
  const sends = await broker.send("a", "b", "c", "d", "e");
  assertEquals(broker.came, ["a", "b"]);
  await broker.answer();
  assertEquals(broker.came, ["a", "b", "c"]);
  await broker.answer(2);
  assertEquals(broker.came, ["a", "b", "c", "d", "e"]);
  const [late] = await broker.send("f");
  assertEquals([broker.came.length, late!.state], [5, "pending"]);
  for (let i = 0; i < 3; i++) await broker.answer();

  assertEquals([...sends, late!].map(({ state }) => state), Array(6).fill("resolved"));
});

Deno.test("maxSendBytesInFlight - a large message waits for room, small ones that came later don't overtake it", async () => {
  await using stack = new AsyncDisposableStack();
  const broker = await SlowBroker.start(stack, { maxSendBytesInFlight: 3_000 });
  const [first, large, second] = ["1".repeat(2_000), "2".repeat(2_000), "3"];
  await broker.send(first!, large!, second!);
  assertEquals(broker.came, [first]);
  await broker.answer();
  assertEquals(broker.came, [first, large, second]);
  await broker.answer(2);
});

Deno.test("maxSendBytesInFlight - a message that is larger goes alone", async () => {
  await using stack = new AsyncDisposableStack();
  const bounds = { maxSendBytesInFlight: 1_000, compression: "NONE" } as const;
  const broker = await SlowBroker.start(stack, bounds);
  const huge = "h".repeat(5_000);
  await broker.send("a", huge, "b");
  assertEquals(broker.came, ["a"]);
  await broker.answer();
  assertEquals(broker.came, ["a", huge]);
  await broker.answer();
  assertEquals(broker.came, ["a", huge, "b"]);
  await broker.answer();
});

Deno.test("maxSendsInFlight - one whose turn does not come within its timeout fails, and says what helps", async () => {
  await using stack = new AsyncDisposableStack();
  const broker = await SlowBroker.start(stack, { maxSendsInFlight: 1, sendTimeout: 60_000 });
  const [first] = await broker.send("a");
  const late = watch(broker.producer.send(message(), { timeout: 500 }));
  const patient = watch(broker.producer.send(message({ body: "p" })));
  await broker.cluster.clock.advance(500);

  assertOverloaded(late.error, "within 500 ms", "1 sends", "maxSendsInFlight", "Await some sends");
  await broker.answer();
  assertEquals([broker.came, first!.state, patient.state], [["a", "p"], "resolved", "pending"]);
  await broker.answer();
});

Deno.test("maxSendsInFlight - a large one that gives up lets the small ones behind it go", async () => {
  await using stack = new AsyncDisposableStack();
  const broker = await SlowBroker.start(stack, { maxSendBytesInFlight: 3_000 });
  await broker.send("1".repeat(2_000));
  const controller = new AbortController(), { signal } = controller;
  const large = watch(broker.producer.send(message({ body: "2".repeat(2_000) }), { signal }));
  await broker.send("small");
  assertEquals(broker.came.length, 1);
  controller.abort();
  await settle();

  assertEquals((large.error as ConnectionError).code, "ABORTED");
  assertEquals(broker.came.slice(1), ["small"]);
  await broker.answer(2);
});

Deno.test("maxSendsWaiting - when as many wait as may, one more fails at once", async () => {
  await using stack = new AsyncDisposableStack();
  const options = { maxSendsInFlight: 1, maxSendsWaiting: 2 };
  const broker = await SlowBroker.start(stack, options);
  const sends = await broker.send("a", "b", "c", "d");
  assertEquals(sends.map(({ state }) => state), ["pending", "pending", "pending", "rejected"]);
  assertOverloaded(sends[3]!.error, "2 others wait", "maxSendsWaiting", "maxSendsInFlight");
  for (let i = 0; i < 3; i++) await broker.answer();
  assertEquals(broker.came, ["a", "b", "c"]);
});

Deno.test("maxSendBytesWaiting - bounds the bytes that wait", async () => {
  await using stack = new AsyncDisposableStack();
  const options = { maxSendsInFlight: 1, maxSendBytesWaiting: 5_000 };
  const broker = await SlowBroker.start(stack, options);
  const body = "x".repeat(2_000);
  const sends = await broker.send("a", body, body, body);
  assertEquals(sends.map(({ state }) => state), ["pending", "pending", "pending", "rejected"]);
  assertOverloaded(sends[3]!.error, "maxSendBytesWaiting", "at most 5000");
  await broker.answer();
  const [later] = await broker.send(body);
  assertEquals(later!.state, "pending", "one has left, so there is room to wait");
  for (let i = 0; i < 3; i++) await broker.answer();
  assertEquals(later!.state, "resolved");
});

Deno.test("maxSendsInFlight - half messages, batches and one-way messages count, local transactions don't", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const begun = Promise.withResolvers<"COMMIT">();
  const producer = await cluster.started(
    { executeLocalTransaction: () => begun.promise },
    { maxSendsInFlight: 1 },
  );
  broker.on(RequestCode.SEND_BATCH_MESSAGE, (command, from) => {
    const { extFields } = broker.store(command, from);
    return { extFields: { ...extFields!, msgId: `${extFields!.msgId},${extFields!.msgId}` } };
  });
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
  broker.once(SEND, async (command, from) => {
    await mayAnswer;
    return broker.store(command, from);
  });
  const half = watch(producer.sendMessageInTransaction(message()));
  const batch = watch(producer.sendBatch([message(), message()]));
  const oneway = watch(producer.sendOneway(message()));
  await settle();
  assertEquals([broker.halves.length, broker.messages.length, oneway.state], [0, 0, "pending"]);
  answer();
  await settle();
  assertEquals([half.state, batch.state, oneway.state], ["pending", "resolved", "resolved"]);
  assertEquals([broker.halves.length, broker.messages.length], [1, 3]);
  begun.resolve("COMMIT");
  await settle();
  assertEquals(half.value?.endTransaction, "confirmed");
});

Deno.test("shutdown - waits for the sends under way, those that wait for their turn included", async () => {
  await using stack = new AsyncDisposableStack();
  const broker = await SlowBroker.start(stack, { maxSendsInFlight: 1 });
  const sends = await broker.send("a", "b");
  const closing = watch(broker.producer.shutdown());
  await broker.answer();
  assertEquals([broker.came, closing.state], [["a", "b"], "pending"]);
  await broker.answer();
  await settle();

  assertEquals(sends.map(({ state }) => state), ["resolved", "resolved"]);
  assertEquals([closing.state, broker.cluster.clock.pendingTimers], ["resolved", 0]);
});

Deno.test("maxSendsInFlight - sends that wait when a shutdown gives up fail, nothing is left", async () => {
  await using stack = new AsyncDisposableStack();
  const broker = await SlowBroker.start(stack, { maxSendsInFlight: 1 });
  const sends = await broker.send("a", "b", "c");
  const closing = broker.producer.shutdown({ timeout: 1_000 });
  await broker.cluster.clock.advance(3_000);
  await closing;

  assertEquals(sends.map(({ state }) => state), ["rejected", "rejected", "rejected"]);
  for (const { error } of sends.slice(1)) assertInstanceOf(error, InvalidStateError);
  assertEquals([broker.came, broker.cluster.clock.pendingTimers], [["a"], 0]);
});

Deno.test("shutdown - a send that rests before a busy broker is tried again fails, nothing is left", async () => {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(new ScriptedCluster());
  const producer = cluster.producer();
  await producer.start();
  cluster.broker.on(SEND, (command, connection) => {
    connection.respond(command, { code: ResponseCode.SYSTEM_BUSY, remark: "system busy" });
  });
  const send = watch(producer.send(message()));
  await settle();
  const closing = watch(producer.shutdown({ timeout: 10 }));
  await cluster.clock.advance(10);

  assertEquals([send.state, closing.state], ["rejected", "resolved"]);
  assertInstanceOf(send.error, ConnectionError);
  assertEquals(send.error.written, false);
  assertStringIncludes(send.error.message, "the producer was shut down before it was tried again");
  assertEquals(cluster.clock.pendingTimers, 0);
});

Deno.test("maxSendsInFlight - thousands of sends over a narrow gate all arrive, in their order", async () => {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(new ScriptedCluster());
  const producer = cluster.producer({ maxSendsInFlight: 7 });
  await producer.start();
  const ids = Array.from({ length: 3_000 }, (_, index) => `${index}`);
  const sends = ids.map((body) => producer.send(message({ body })));
  await Promise.all(sends);

  const came = cluster.broker.messages.map(({ body }) => new TextDecoder().decode(body));
  assertEquals(came, ids);
});

Deno.test("maxSendsInFlight - bounds that can't be meant are refused", () => {
  const options = { nameServers: "127.0.0.1:9876", producerGroup: "g" };
  for (
    const [name, wrong] of [
      ["maxSendsInFlight", 0],
      ["maxSendBytesInFlight", 0],
      ["maxSendsWaiting", -1],
      ["maxSendBytesWaiting", 1.5],
    ] as const
  ) {
    assertThrows(() => new Producer({ ...options, [name]: wrong }), InvalidArgumentError, name);
  }
});
