import {
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { ClientInstance, ClientOptions } from "../../src/client/mod.ts";
import { systemClock } from "../../src/clock.ts";
import {
  BrokerResponseError,
  ConnectionError,
  InvalidArgumentError,
  ProtocolError,
  RocketMQError,
  TopicRouteNotFoundError,
} from "../../src/errors.ts";
import { Producer } from "../../src/producer/mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { parseAddress, type TopicRoute } from "../../src/route/mod.ts";
import { connect, type Connection, dialTcp } from "../../src/transport/mod.ts";
import { utf8 } from "../remoting/frames.ts";
import { settle, until } from "../support/fake_clock.ts";
import { ScriptedBroker } from "../support/scripted_broker.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import type { RouteEntry } from "../support/scripted_name_server.ts";
import { silence } from "../support/scripted_peer.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import { silentWarnings } from "../support/test_client.ts";
import {
  assertNothingLeft,
  assertSendFailed,
  begin,
  message,
  PatientListener,
  saying,
} from "../transaction/support.ts";
import { ASK as ECHO, ask } from "../transport/harness.ts";

/*
  What brokers answer and name servers tell, row by row: answers to half messages and verdicts,
  routes that can't be used, addresses that nobody dials, and name servers that are no help.
*/

const SEND = RequestCode.SEND_MESSAGE_V2;
const END = RequestCode.END_TRANSACTION;
const ROUTE = RequestCode.GET_ROUTEINFO_BY_TOPIC;
const TEN_SECONDS = { timeout: 10_000 };

const NO_HANDLE: readonly (readonly [row: string, Record<string, string | undefined>])[] = [
  ["C1", { queueOffset: undefined }],
  ["C1", { queueOffset: "NaN" }],
  ["C1", { queueOffset: "-1" }],
  ["C2", { msgId: undefined }],
  ["C2", { msgId: "nonsense" }],
  ["C2", { msgId: "0".repeat(31) }],
  ["C2", { msgId: "0".repeat(33) }],
  ["C2", { msgId: "g".repeat(32) }],
  ["C2", { msgId: "0".repeat(57) }],
];

for (const [row, answer] of NO_HANDLE) {
  Deno.test(`${row} - an answer to a send with ${Deno.inspect(answer)}: an error, no local transaction runs`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker } = cluster, listener = new PatientListener();
    broker.on(SEND, (command, from) => broker.store(command, from, answer));
    const producer = await cluster.started(listener);
    const half = watch(producer.sendMessageInTransaction(message()));
    await settle();
    const error = assertSendFailed(half.error, "indeterminate");
    assertInstanceOf(error.cause, ProtocolError);
    assertStringIncludes(error.message, Object.keys(answer)[0]!);
    assertEquals([listener.executions.length, broker.states()], [0, []]);

    broker.checkBack(broker.halves[0]!);
    await settle();
    const { context } = listener.checks[0]!;
    assertEquals([context.known, context.localTransactionRan], [true, false]);
    listener.checks[0]!.answer("ROLLBACK");
    await settle();
    assertEquals(broker.states(), ["ROLLBACK"]);
    assertEquals(
      (await assertRejects(() => producer.send(message()), ProtocolError)).code,
      "PROTOCOL",
    );
  });
}

for (
  const [code, status] of [
    [10, "FLUSH_DISK_TIMEOUT"],
    [11, "SLAVE_NOT_AVAILABLE"],
    [12, "FLUSH_SLAVE_TIMEOUT"],
  ] as const
) {
  Deno.test(`C3 - a half message that is stored with ${status}: rolled back, no local transaction runs`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker } = cluster, listener = new PatientListener();
    broker.on(SEND, (command, from) => ({ ...broker.store(command, from), code }));
    const producer = await cluster.started(listener);
    const result = await producer.sendMessageInTransaction(message());
    assertEquals(
      [result.sendStatus, result.localTransactionState, result.endTransaction],
      [status, "ROLLBACK", "confirmed"],
    );
    assertEquals([broker.states(), listener.executions.length], [["ROLLBACK"], 0]);

    broker.checkBack(broker.halves[0]!);
    await settle();
    assertEquals([broker.states(), listener.checks.length], [["ROLLBACK", "ROLLBACK"], 0]);
  });
}

for (const [code, tries] of [[2, 3], [14, 3], [13, 1], [9999, 1]] as const) {
  Deno.test(`C4 - a send that is refused with ${code}: an error with code and remark after ${tries} tries`, async () => {
    await using cluster = new ScriptedCluster({ brokers: 3 });
    for (const broker of cluster.brokers) broker.on(SEND, () => ({ code, remark: "not now" }));
    const listener = new PatientListener();
    const producer = await cluster.started(listener);
    const sent = () => cluster.brokers.flatMap((broker) => broker.requests(SEND)).length;
    const plain = watch(producer.send(message()));
    await cluster.clock.advance(3_000);
    assertInstanceOf(plain.error, BrokerResponseError);
    assertEquals([plain.error.code, plain.error.responseCode, plain.error.remark], [
      "BROKER_REFUSED",
      code,
      "not now",
    ]);
    assertEquals(sent(), tries);

    const half = watch(producer.sendMessageInTransaction(message()));
    await cluster.clock.advance(3_000);
    assertEquals(assertSendFailed(half.error, "failed", "not now").responseCode, code);
    assertEquals(sent() > tries + 1, tries > 1, "a transient refusal is tried again");
    assertEquals(listener.executions.length, 0);
  });
}

Deno.test("C5 - a remark of 10 MiB with line breaks and escapes: one line of 512 characters", async () => {
  await using cluster = new ScriptedCluster();
  const remark = "evil\r\n\u001b[31m".repeat(580_000);
  cluster.broker.on(SEND, () => ({ code: 13, remark }));
  cluster.broker.once(END, () => ({ code: 1, remark }));
  const producer = await cluster.started(saying("COMMIT"));
  const error = await assertRejects(() => producer.send(message()), BrokerResponseError);
  cluster.broker.on(SEND, (command, from) => cluster.broker.store(command, from));
  const { endTransactionError } = await producer.sendMessageInTransaction(message());

  assertLessOrEqual(error.remark.length, 512);
  assertStringIncludes(error.remark, "evil\\u000d\\n\\u001b[31m");
  for (const { message: text } of [error, endTransactionError!, ...cluster.logger.lines]) {
    assertLess(text.length, 1_024);
    assertMatch(text, /^\P{Cc}*$/u);
  }
});

for (const reason of ["The producer group wrong", "The commit log offset wrong"]) {
  Deno.test(`C6 - a verdict that is refused with "${reason}": told with the reason, not sent again`, async () => {
    await using cluster = new ScriptedCluster();
    cluster.broker.on(END, () => ({ code: 1, remark: reason }));
    const producer = await cluster.started(saying("COMMIT"));
    const result = await producer.sendMessageInTransaction(message());
    assertEquals(result.endTransaction, "failed");
    assertInstanceOf(result.endTransactionError, BrokerResponseError);
    assertStringIncludes(result.endTransactionError.message, reason);
    await cluster.clock.advance(20_000);
    assertEquals(cluster.broker.states(), ["COMMIT"]);
  });
}

Deno.test("C7 - a verdict that a slave refuses: sent once more, to the new master of the refreshed route", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const [old, fresh] = cluster.brokers;
  cluster.nameServer.route(TOPIC, [{ name: "broker-1", address: old!.address }]);
  old!.on(END, () => {
    const [half] = old!.halves;
    fresh!.write(half!.commitLogOffset, half!);
    cluster.nameServer.route(TOPIC, [{ name: "broker-1", address: fresh!.address }]);
    return { code: 11, remark: "slave" };
  });
  const producer = await cluster.started(saying("COMMIT"));
  const send = watch(producer.sendMessageInTransaction(message()));
  await cluster.clock.advance(3_000);
  assertEquals(send.value?.endTransaction, "confirmed");
  assertEquals([old!.states(), fresh!.states()], [["COMMIT"], ["COMMIT"]]);
  assertEquals(fresh!.verdicts()[0]!.commitLogOffset, old!.halves[0]!.commitLogOffset);
});

Deno.test("C8 - unknown: sent one-way, nobody waits for an answer that never comes", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster, { listener, send } = await begin(cluster);
  listener.executions[0]!.answer("UNKNOWN");
  await settle();
  assertEquals([send.state, send.value?.endTransaction], ["resolved", "sent"]);
  broker.checkBack(broker.halves[0]!);
  await settle();
  listener.checks[0]!.answer("UNKNOWN");
  await settle();
  assertEquals(broker.verdicts().map(({ state, oneway }) => [state, oneway]), [
    ["UNKNOWN", true],
    ["UNKNOWN", true],
  ]);
});

const MASTER = "10.0.1.1:10911";

const NO_QUEUE: readonly (readonly [
  row: string,
  what: string,
  route: readonly RouteEntry[],
  says: string,
])[] = [
  ["C9", "no brokers", [], "its route has no queues"],
  ["C9", "no queues", [{ name: "broker-1", address: MASTER, queues: 0 }], "no queues to write to"],
  ["C10", "perm 4", [{ name: "broker-1", address: MASTER, perm: 4 }], "it is not writable"],
  ["C10", "perm 0", [{ name: "broker-1", address: MASTER, perm: 0 }], "it is not writable"],
  ["C11", "slaves only", [{ name: "broker-1" }], "none of its brokers has a master"],
  ["C12", "0 queues", [{ name: "broker-1", address: MASTER, queues: 0 }], "set its writeQueueNums"],
];

/** Rows that tell of every broker of the topic that it takes no messages. Others are gaps. */
const SAYS_SO = ["no queues", "perm 4", "perm 0", "0 queues"];

for (const [row, what, route, says] of NO_QUEUE) {
  const isHeeded = SAYS_SO.includes(what);
  const known = isHeeded ? "a known one gives way to it" : "a known one stays for five minutes";
  Deno.test(`${row} - a route with ${what}: no route, and ${known}`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker, nameServer, clock } = cluster, listener = new PatientListener();
    const producer = await cluster.started(listener);
    nameServer.route("Other", route);
    const other = message({ topic: "Other" });
    const error = await assertRejects(() => producer.send(other), TopicRouteNotFoundError, says);
    assertEquals([error.code, error.topic], ["NO_ROUTE", "Other"]);
    const half = watch(producer.sendMessageInTransaction(other));
    await settle();
    assertSendFailed(half.error, "failed", says);
    assertEquals([broker.messages.length, listener.executions.length], [0, 0]);

    nameServer.route(TOPIC, route);
    await clock.advance(isHeeded ? 31_000 : 270_000);
    if (!isHeeded) {
      await producer.send(message());
      await clock.advance(60_000);
    }
    await assertRejects(() => producer.send(message()), TopicRouteNotFoundError, says);
    assertEquals(broker.messages.length, isHeeded ? 0 : 1);
  });
}

function routeOf(queue: object, brokers = 1): () => Uint8Array {
  return () =>
    json({
      queueDatas: [{
        brokerName: "broker-1",
        readQueueNums: 4,
        writeQueueNums: 4,
        perm: 6,
        ...queue,
      }],
      brokerDatas: Array.from({ length: brokers }, (_, i) => ({
        brokerName: `broker-${i + 1}`,
        brokerAddrs: { 0: MASTER },
      })),
    });
}

function json(value: unknown): Uint8Array {
  return utf8(JSON.stringify(value));
}

const BAD_ROUTES: readonly (readonly [
  row: string,
  what: string,
  body: () => Uint8Array,
  says: string,
])[] = [
  ...[2_147_483_647, 65_537, -1, 1.5, "many"].map((writeQueueNums) =>
    ["C12", `${writeQueueNums} queues`, routeOf({ writeQueueNums }), "writeQueueNums"] as const
  ),
  ["C13", "4,097 brokers", routeOf({}, 4_097), "at most 4096"],
  ["C13", "100,000 brokers", routeOf({}, 100_000), "at most 4194304"],
  ["C20", "16 MiB of spaces", () => new Uint8Array(16_777_000).fill(0x20), "at most 4194304"],
  ["C20", "4 MiB of spaces", () => new Uint8Array(4 * 1024 * 1024).fill(0x20), "JSON"],
  ["C20", "no JSON", () => utf8("<html>"), "JSON"],
  ["C20", "no UTF-8", () => Uint8Array.of(0x7b, 0xff, 0x7d), "UTF-8"],
  ["C20", "a list", () => utf8("[]"), "object"],
  ["C20", "a text for its queues", () => json({ queueDatas: "x" }), "queueDatas"],
  ["C20", "numbers for its brokers", () => json({ brokerDatas: [1, 2] }), "brokerDatas"],
  ["C22", "no body", () => new Uint8Array(), "there is no body"],
];

for (const [row, what, body, says] of BAD_ROUTES) {
  Deno.test(`${row} - a route with ${what}: an error that says so, the known one stays`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker, nameServer, clock } = cluster, listener = new PatientListener();
    const producer = await cluster.started(listener);
    nameServer.route("Other", body());
    const other = message({ topic: "Other" });
    const before = Deno.memoryUsage().rss;
    const plain = watch(producer.send(other)),
      half = watch(producer.sendMessageInTransaction(other));
    await clock.advance(3_100);
    assertInstanceOf(plain.error, RocketMQError);
    for (const part of ["Cannot read route", says, nameServer.address]) {
      assertStringIncludes(plain.error.message, part);
    }
    assertSendFailed(half.error, "failed", says);
    assertLess(Deno.memoryUsage().rss - before, 200 * 1024 * 1024);

    nameServer.route(TOPIC, body());
    await clock.advance(60_000);
    await producer.send(message());
    assertEquals([broker.messages.length, listener.executions.length], [1, 0]);
    assertEquals(broker.connections.length, 1);
  });
}

/** Addresses at which nobody may be dialled, whatever a route says. */
const BAD_ADDRESSES: readonly (readonly [row: string, address: string])[] = [
  ...["10.0.0.1", ":10911", "a:b:c", "h:0", "h:70000", "h:1e4"].map((it) => ["C14", it] as const),
  ...["169.254.169.254:80", "0.0.0.0:10911", "[::]:10911"].map((it) => ["C15", it] as const),
  ...["unix:/x", "http://h", "h/../:1", "h h:1", "h\0:1", `${"x".repeat(65_536)}:1`]
    .map((it) => ["C16", it] as const),
  ...["::1::2:10911", "fd00::2", "[fd00::2]", "fd00::2:70000"].map((it) => ["C17", it] as const),
];

for (const [row, address] of BAD_ADDRESSES) {
  const shown = JSON.stringify(address.slice(0, 20));
  Deno.test(`${row} - a broker at ${shown}: left out, the others are kept`, async () => {
    await using cluster = new ScriptedCluster();
    const { network, nameServer, broker, logger } = cluster;
    nameServer.route(TOPIC, [{ name: "bad", address }, broker]);
    const client = await startedClient(cluster);
    assertEquals(brokersOf(client.peekRoute(TOPIC)), ["broker-1"]);
    assertEquals(network.dials.map((dial) => dial.address), [nameServer.address, MASTER]);
    const [warning, ...more] = logger.matching('of broker "bad"', "warn");
    assertEquals(more, []);
    assertLess(warning!.length, 600);
    assertMatch(warning!, /^\P{Cc}*$/u);
  });
}

Deno.test("C15 - allowBroker: asked about every address, and what it says counts", async () => {
  await using cluster = new ScriptedCluster();
  const address = "127.0.0.1:10911", asked: string[] = [];
  const local = new ScriptedBroker("local", address);
  cluster.network.listen(address, local);
  const routed = [cluster.broker, local, { name: "metadata", address: "169.254.169.254:80" }];
  cluster.nameServer.route(TOPIC, routed);
  const allowBroker = (host: string, port: number) =>
    asked.push(`${host} ${port}`) > 0 && port > 80;
  const client = await startedClient(cluster, { allowBroker });
  assertEquals(asked.sort(), ["10.0.1.1 10911", "127.0.0.1 10911", "169.254.169.254 80"]);
  assertEquals(brokersOf(client.peekRoute(TOPIC)), ["broker-1", "local"]);
});

// Row C17 once refused the last three forms. They are what real brokers register: a machine with IPv6
// only gives the form with a scope by itself.
for (
  const registered of [
    "[fd00::2]:10911",
    "fd00::2:10911",
    "[fd00::2%eth0]:10911",
    "fd00::2%eth0:10911",
  ]
) {
  Deno.test(`C17 - a broker that registered as ${registered}: dialled at its IPv6 address`, async () => {
    await using cluster = new ScriptedCluster();
    const six = new ScriptedBroker("six", registered);
    cluster.network.listen("[fd00::2]:10911", six);
    cluster.route(TOPIC, [six]);
    const producer = await cluster.started(saying("COMMIT"));
    await producer.sendMessageInTransaction(message());
    assertEquals(six.states(), ["COMMIT"]);
  });
}

Deno.test("C17 - what a user writes stays strict, and the error shows the right form", () => {
  for (
    const [nameServers, hint] of [
      ["fd00::2:9876", "[fd00::2]:9876"],
      ["[fd00::2%eth0]:9876", "[fd00::2]:9876, without a scope"],
    ] as const
  ) {
    assertThrows(
      () => new Producer({ nameServers, producerGroup: "g" }),
      InvalidArgumentError,
      hint,
    );
  }
});

Deno.test("C17 - addressMap is asked about an address before it is judged", async () => {
  await using cluster = new ScriptedCluster();
  const odd = new ScriptedBroker("odd", "fd00::2%eth0:10911");
  cluster.network.listen("127.0.0.1:1", odd);
  cluster.route(TOPIC, [odd]);
  const producer = await cluster.started(saying("COMMIT"), {
    addressMap: { "fd00::2%eth0:10911": "127.0.0.1:1" },
  });
  await producer.sendMessageInTransaction(message());
  assertEquals(odd.states(), ["COMMIT"]);
});

Deno.test("C18 - a name without an address: an error that names it", async () => {
  const error = await assertRejects(() => dial("nowhere.invalid:9876"), ConnectionError);
  assertEquals([error.code, error.written], ["CONNECT_FAILED", false]);
  assertStringIncludes(error.message, "nowhere.invalid:9876");
});

Deno.test("C18 - a name with several addresses: tried until one listens", async () => {
  await using server = await ScriptedServer.start();
  server.on(ECHO, () => ({}));
  const { port } = parseAddress(server.address);
  const connection = await dial(`localhost:${port}`);
  await connection.request(ask("by name"), { timeout: 5_000 });
  connection.close();
  await until(() => server.open.length === 0);
  assertEquals(connection.address, `localhost:${port}`);
});

Deno.test("C18 - a name with 300 addresses that don't answer: the first few, within one deadline", async () => {
  await using cluster = new ScriptedCluster();
  const { clock } = cluster, tried: number[] = [];
  const client = cluster.client({
    nameServers: "many.example:9876",
    connectTimeout: 3_000,
    async dialer(_host, _port, { signal }) {
      for (let address = 0; address < 300 && !signal.aborted; address++) {
        tried.push(address);
        await new Promise<void>((resolve) => clock.setTimer(resolve, 1_000));
      }
      throw new Deno.errors.TimedOut("the last one did not answer either");
    },
  });
  const start = watch(client.start([TOPIC], { timeout: 3_000 }));
  await clock.advance(4_000);
  assertInstanceOf(start.error, RocketMQError);
  assertStringIncludes(start.error.message, "many.example:9876");
  assertLessOrEqual(tried.length, 4);
});

Deno.test("C19 - bare broker ids, as old name servers write them: understood, standard JSON is asked for", async () => {
  await using cluster = new ScriptedCluster();
  const { nameServer } = cluster;
  nameServer.route(
    TOPIC,
    utf8(
      '{"brokerDatas":[{"brokerAddrs":{0:"10.0.1.1:10911",1:"10.0.1.9:10911"},' +
        '"brokerName":"broker-1","cluster":"c","enableActingMaster":false}],"filterServerTable":{},' +
        '"queueDatas":[{"brokerName":"broker-1","perm":6,"readQueueNums":2,"topicSysFlag":0,' +
        '"writeQueueNums":2}]}',
    ),
  );
  const route = await cluster.client().route(TOPIC, TEN_SECONDS);
  assertEquals(route.masterAddress("broker-1"), MASTER);
  assertEquals(route.writableQueues.map(({ queueId }) => queueId), [0, 1]);
  const [request] = nameServer.requests(ROUTE);
  assertEquals(request!.extFields, { topic: TOPIC, acceptStandardJsonOnly: "true" });
});

Deno.test("C21 - queues of a broker that is not listed: skipped, the others are used", async () => {
  await using cluster = new ScriptedCluster();
  const queue = { readQueueNums: 2, writeQueueNums: 2, perm: 6 };
  cluster.nameServer.route(
    TOPIC,
    json({
      queueDatas: ["ghost", "broker-1"].map((brokerName) => ({ brokerName, ...queue })),
      brokerDatas: [{ brokerName: "broker-1", brokerAddrs: { 0: MASTER } }],
    }),
  );
  const producer = await cluster.started(saying("COMMIT"));
  for (let i = 0; i < 8; i++) await producer.send(message());
  assertEquals(cluster.broker.messages.map(({ queueId }) => queueId).sort(), [
    0,
    0,
    0,
    0,
    1,
    1,
    1,
    1,
  ]);
});

Deno.test("C22 - a success without a body: a failure, the next server is asked", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 2 });
  const [first, second] = cluster.nameServers;
  first!.on(ROUTE, () => ({ code: 0 }));
  const route = await cluster.client().route(TOPIC, { timeout: 3_000 });
  assertEquals(brokersOf(route), ["broker-1"]);
  assertEquals([first!.asked(), second!.asked()], [[TOPIC], [TOPIC]]);
});

Deno.test("C23 - a name server that takes connections and never answers: the next one within its share of the time", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 3 });
  const [first, second] = cluster.nameServers;
  first!.on(ROUTE, silence);
  const route = watch(cluster.client().route(TOPIC, { timeout: 3_000 }));
  await cluster.clock.advance(999);
  assertEquals([route.state, second!.asked()], ["pending", []]);
  await cluster.clock.advance(1);
  assertEquals([route.state, second!.asked()], ["resolved", [TOPIC]]);
});

Deno.test("C24 - a name server that is dropped from the list: its connection is closed, a listed one is asked", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 2 });
  const [old, listed] = cluster.nameServers;
  let list = old!.address;
  const byUrl: object = { nameServers: undefined, nameServersUrl: "http://config.example/list" };
  const client = await startedClient(cluster, {
    ...byUrl,
    nameServersPollInterval: 1_000,
    fetch: () => Promise.resolve(new Response(list)),
  });
  assertEquals([old!.open.length, listed!.open.length], [1, 0]);
  list = listed!.address;
  await cluster.clock.advance(1_000);
  assertEquals(old!.open.length, 0);
  const asked = old!.asked().length;
  await client.refreshRoute(TOPIC, TEN_SECONDS);
  assertEquals([old!.asked().length, listed!.asked()], [asked, [TOPIC]]);
});

Deno.test("C25 - all name servers down at the start: rejected in time with each cause, nothing is left", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 3 });
  const { network, clock, nameServers } = cluster;
  network.fail(nameServers[0]!.address);
  network.fail(nameServers[1]!.address, "silent");
  nameServers[2]!.on(ROUTE, silence);
  const start = watch(
    cluster.transactionProducer(saying("COMMIT"), { startTimeout: 2_400 }).start(),
  );
  await clock.advance(2_300);
  assertEquals(start.state, "pending");
  await clock.advance(200);
  assertInstanceOf(start.error, ConnectionError);
  const { message: text, code } = start.error;
  assertEquals(code, "TIMEOUT");
  for (const { address } of nameServers) assertStringIncludes(text, address);
  for (const cause of ["connection refused", "no connection within", "no answer within"]) {
    assertStringIncludes(text, cause);
  }
  await assertNothingLeft(cluster);
});

Deno.test("C26 - a route that flaps between two masters every second: one connection each, no dial storm", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const { network, clock, nameServer, brokers } = cluster;
  const flap = (second: number) => {
    const { address } = brokers[second % 2]!;
    nameServer.route(TOPIC, [{ name: "broker-1", address }]);
  };
  flap(0);
  const producer = await cluster.started(saying("COMMIT"), { routePollInterval: 1_000 });
  for (let second = 1; second <= 60; second++) {
    flap(second);
    await clock.advance(1_000);
    for (const { open } of brokers) assertLessOrEqual(open.length, 1);
    const sent = watch(producer.send(message()));
    await clock.advance(0);
    assertEquals(sent.state, "resolved");
  }
  const dials = brokers.map(({ address }) => network.dialsOf(address).length);
  assertLess(Math.max(...dials), 5);
});

function brokersOf(route: TopicRoute | undefined): string[] {
  return [...new Set(route?.writableQueues.map(({ brokerName }) => brokerName))];
}

async function startedClient(
  cluster: ScriptedCluster,
  options: Partial<ClientOptions> = {},
): Promise<ClientInstance> {
  const client = cluster.client(options);
  await client.start([TOPIC], TEN_SECONDS);
  return client;
}

function dial(address: string): Promise<Connection> {
  return connect({
    ...parseAddress(address),
    address,
    dialer: dialTcp,
    clock: systemClock,
    warnings: silentWarnings,
    timeout: 5_000,
  });
}
