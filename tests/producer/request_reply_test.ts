import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  ConnectionError,
  createReply,
  InvalidArgumentError,
  InvalidStateError,
  type Message,
  type MessageExt,
  ProtocolError,
} from "../../mod.ts";
import {
  compress,
  CompressionType,
  decodeMessages,
  encodeProperties,
  encodeStoredMessage,
} from "../../src/message/mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { createPushReplyMessageRequest } from "../../src/testing/requests.ts";
import { settle, until } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import type { ReceivedMessage, ScriptedBroker } from "../support/scripted_broker.ts";
import { message } from "./support.ts";

const REPLY = RequestCode.SEND_REPLY_MESSAGE_V2;

async function start(brokers = 1) {
  const cluster = new ScriptedCluster({ brokers });
  const producer = cluster.producer({ sendTimeout: 10_000 });
  await producer.start();
  return { cluster, producer };
}

/** Passes a reply on to the client, as a broker does, and gives the number of that request. */
function push(
  broker: ScriptedBroker,
  correlationId: string,
  body: string | Uint8Array,
  { host = "10.0.0.9:10911", header = {} }: { host?: string; header?: Record<string, string> } = {},
): number {
  const properties = encodeProperties({ MSG_TYPE: "reply", CORRELATION_ID: correlationId, u: "v" });
  const request = createPushReplyMessageRequest({
    producerGroup: "replying",
    topic: "DefaultCluster_REPLY_TOPIC",
    defaultTopic: "TBW102",
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag: 0,
    bornTimestamp: 1n,
    flag: 0,
    properties,
    bornHost: host,
    storeHost: host,
    storeTimestamp: 2n,
  }, typeof body === "string" ? new TextEncoder().encode(body) : body);
  Object.assign(request.extFields!, header);
  return broker.connection.request(request, { oneway: false });
}

/** The request message as its consumer gets it. */
async function consumed(sent: ReceivedMessage, storeHost: string): Promise<MessageExt> {
  const properties = { ...sent.properties, CLUSTER: "DefaultCluster" };
  const stored = encodeStoredMessage({ topic: sent.topic, body: sent.body, properties, storeHost });
  return (await decodeMessages(stored))[0]!;
}

Deno.test("request() - names id, client and time in milliseconds, and gives the reply to its id", async () => {
  const { cluster, producer } = await start();
  await using _cluster = cluster;
  const broker = cluster.broker;
  const first = watch(producer.request(message(), { timeout: 4_000 }));
  const second = watch(producer.request(message()));
  await settle();
  const [one, two] = broker.messages.map(({ properties }) => properties);
  assertEquals([one!["TTL"], two!["TTL"]], ["4000", "10000"]);
  assertEquals(one!["REPLY_TO_CLIENT"], broker.heartbeats()[0]!.clientId);
  assert(one!["CORRELATION_ID"] !== two!["CORRELATION_ID"]);

  const pushes = [
    push(broker, two!["CORRELATION_ID"]!, "to two", { host: "0:0:0:0:0:0:0:1:10911" }),
    push(broker, one!["CORRELATION_ID"]!, "to one"),
  ];
  await until(() => first.state !== "pending" && second.state !== "pending");
  const text = ({ value }: { value?: MessageExt }) => new TextDecoder().decode(value!.body);
  assertEquals([text(first), text(second)], ["to one", "to two"]);
  assertEquals([first.value!.properties["u"], first.value!.storeTimestamp], ["v", 2]);
  assertEquals(second.value!.storeHost, "[0:0:0:0:0:0:0:1]:10911");
  assertEquals(
    broker.connection.responses.map(({ opaque, code }) => [opaque, code]),
    pushes.map((opaque) => [opaque, 0]),
  );
});

Deno.test("request() - ends when no reply comes in time, and a late one is answered and dropped", async () => {
  const { cluster, producer } = await start();
  await using _cluster = cluster;
  const request = watch(producer.request(message(), { timeout: 1_000 }));
  await settle();
  await cluster.clock.advance(1_001);
  assertInstanceOf(request.error, ConnectionError);
  assertEquals([request.error.code, request.error.topic], ["TIMEOUT", TOPIC]);
  assert(request.error.message.includes("none came within 1000 ms"));

  const id = cluster.broker.messages[0]!.properties["CORRELATION_ID"]!;
  push(cluster.broker, id, "late");
  await settle();
  assertEquals(cluster.broker.connection.responses.map(({ code }) => code), [0]);
});

Deno.test("request() - ends with its signal, and with the producer", async () => {
  const { cluster, producer } = await start();
  await using _cluster = cluster;
  const abort = new AbortController();
  const aborted = watch(producer.request(message(), { signal: abort.signal }));
  const left = watch(producer.request(message()));
  await settle();
  abort.abort();
  await settle();
  assertInstanceOf(aborted.error, ConnectionError);
  assertEquals([aborted.error.code, left.state], ["ABORTED", "pending"]);
  const closing = producer.shutdown();
  await cluster.clock.advance(5_000);
  await closing;
  assertInstanceOf(left.error, InvalidStateError);
});

Deno.test("request() - a reply that can't be read is refused and troubles no other", async () => {
  const { cluster, producer } = await start();
  await using _cluster = cluster;
  const request = watch(producer.request(message()));
  await settle();
  const { broker } = cluster;
  const id = broker.messages[0]!.properties["CORRELATION_ID"]!;
  push(broker, id, "bad", { header: { sysFlag: "x" } });
  push(broker, id, "not zlib", { header: { sysFlag: "1" } });
  push(broker, id, "while another is being read");
  await until(() => broker.connection.responses.length === 3);
  assertEquals([request.state, ...broker.connection.responses.map(({ code }) => code)], [
    "pending",
    1,
    1,
    1,
  ]);
  push(broker, id, "good");
  await until(() => request.state === "resolved");
});

Deno.test("request() - hosts as brokers of every version write them do not matter to a reply", async () => {
  for (
    const [host, shown] of [
      ["10.0.0.5:54321", "10.0.0.5:54321"],
      ["/10.0.0.5:54321", "10.0.0.5:54321"],
      ["client.example/10.0.0.5:54321", "10.0.0.5:54321"],
      ["/0:0:0:0:0:0:0:1:54321", "[0:0:0:0:0:0:0:1]:54321"],
      ["fe80:0:0:0:0:0:0:1%eth0:1", "[fe80:0:0:0:0:0:0:1%eth0]:1"],
      ["client.example/<unresolved>:1", "0.0.0.0:0"],
      ["nowhere", "0.0.0.0:0"],
      [":".repeat(50_000), "0.0.0.0:0"],
    ] as const
  ) {
    const { cluster, producer } = await start();
    await using _cluster = cluster;
    const request = watch(producer.request(message()));
    await settle();
    push(cluster.broker, cluster.broker.messages[0]!.properties["CORRELATION_ID"]!, "pong", {
      host,
    });
    await until(() => request.state === "resolved");
    assertEquals([request.value?.bornHost, request.value?.storeHost], [shown, shown]);
  }
});

Deno.test("replies - what nobody asked for is not decompressed", async () => {
  await using cluster = new ScriptedCluster();
  await cluster.started({
    executeLocalTransaction: () => "COMMIT",
    checkLocalTransaction: () => "UNKNOWN",
  });
  const { connection } = cluster.broker;
  const bomb = await compress(new Uint8Array(4 * 1024 * 1024), CompressionType.ZLIB);
  const start = performance.now();
  for (let i = 0; i < 1_000; i++) {
    push(cluster.broker, "nobody", bomb, { header: { sysFlag: String(1 | 0x300) } });
  }
  await until(() => connection.responses.length === 1_000, 30_000);
  // A thousand such bodies take many seconds to decompress; to drop them takes some milliseconds.
  assertLess(performance.now() - start, 5_000);
  assertEquals(connection.responses.filter(({ code }) => code !== 0), []);
});

Deno.test("request() - a delay is refused", async () => {
  const { cluster, producer } = await start();
  await using _cluster = cluster;
  for (const delay of [{ delay: 1_000 }, { delayLevel: 1 }, { deliverAt: 1 }]) {
    const delayed = { ...message(), ...delay } as unknown as Message;
    await assertRejects(() => producer.request(delayed), InvalidArgumentError, "it has a delay");
  }
  assertEquals(cluster.broker.messages, []);
});

Deno.test("createReply() - a reply goes to the broker of its request, and to others when that fails", async () => {
  const { cluster, producer } = await start(3);
  await using _cluster = cluster;
  cluster.route("DefaultCluster_REPLY_TOPIC");
  watch(producer.request(message()));
  await settle();
  const sent = cluster.brokers.flatMap(({ messages }) => messages)[0]!;
  const [a, b, c] = cluster.brokers;
  for (const broker of cluster.brokers) {
    broker.on(REPLY, (command, on) => broker.store(command, on));
  }

  const request = await consumed(sent, b!.address);
  for (let index = 0; index < 3; index++) await producer.send(createReply(request, "pong"));
  const replies = (broker: ScriptedBroker) => broker.requests(REPLY).length;
  assertEquals([replies(a!), replies(b!), replies(c!)], [0, 3, 0]);
  const { topic, properties } = b!.messages.at(-1)!;
  assertEquals([topic, properties["MSG_TYPE"]], ["DefaultCluster_REPLY_TOPIC", "reply"]);
  for (const name of ["CORRELATION_ID", "REPLY_TO_CLIENT", "TTL"]) {
    assertEquals(properties[name], sent.properties[name]);
  }

  const notStored = { msgId: "0", queueId: "2", queueOffset: "0" };
  b!.on(REPLY, () => ({ extFields: notStored }));
  const passedOn = await producer.send(createReply(request, "pong"));
  assertEquals([passedOn.sendStatus, passedOn.offsetMessageId], ["SEND_OK", ""]);
  b!.on(RequestCode.SEND_MESSAGE_V2, () => ({ extFields: notStored }));
  const queue = { brokerName: b!.name, queueId: 0 };
  await assertRejects(() => producer.send(message(), { queue }), ProtocolError, '"msgId"');

  b!.on(REPLY, () => ({ code: 1, remark: "channel not found" }));
  await producer.send(createReply(request, "pong"));
  assertEquals([replies(b!), replies(a!) + replies(c!)], [5, 1]);
});

Deno.test("createReply() - a message that is no request can't be replied to", async () => {
  const stored = encodeStoredMessage({
    topic: TOPIC,
    body: new Uint8Array(1),
    storeHost: "10.0.0.9:10911",
    properties: { CLUSTER: "c", REPLY_TO_CLIENT: "client" },
  });
  const [request] = await decodeMessages(stored);
  assertThrows(
    () => createReply(request!, "pong"),
    InvalidArgumentError,
    'no property "CORRELATION_ID"',
  );
});
