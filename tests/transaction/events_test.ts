import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import { ConnectionError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import type { LocalTransactionState, TransactionEvent } from "../../src/transaction/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { recordEvents, ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { message, saying } from "./support.ts";
import { testSecret } from "../support/secrets.ts";

const NAMED = { topic: TOPIC, brokerName: "broker-1" };

Deno.test("events - tell the whole story of a producer", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const producer = cluster.transactionProducer(saying("UNKNOWN", "COMMIT"));
  const events = recordEvents(producer);
  await producer.start();
  const { transactionId } = await producer.sendMessageInTransaction(message());
  broker.checkBack(broker.halves[0]!, { properties: { TRANSACTION_CHECK_TIMES: "2" } });
  await settle();
  broker.cut();
  await clock.advance(2_000);
  await producer.shutdown();
  await settle();

  const of = { ...NAMED, transactionId };
  const expected: TransactionEvent[] = [
    { type: "routeChanged", topic: TOPIC, brokerNames: ["broker-1"] },
    { type: "brokerRegistered", brokerName: "broker-1", address: "10.0.1.1:10911" },
    { type: "ready" },
    { type: "halfStored", ...of },
    { type: "localTransactionEnded", ...of, state: "UNKNOWN" },
    { type: "endTransaction", ...of, state: "UNKNOWN", outcome: "sent", fromCheck: false },
    { type: "checkBack", ...of, checkTimes: 2, handling: "asked" },
    { type: "endTransaction", ...of, state: "COMMIT", outcome: "confirmed", fromCheck: true },
    {
      type: "brokerLost",
      brokerName: "broker-1",
      address: "10.0.1.1:10911",
      reason: "reading failed: Connection reset by peer (os error 104)",
    },
    {
      type: "lost",
      reason: 'broker "broker-1" at 10.0.1.1:10911 was lost: reading failed: ' +
        "Connection reset by peer (os error 104)",
    },
    { type: "brokerRegistered", brokerName: "broker-1", address: "10.0.1.1:10911" },
    { type: "ready" },
    { type: "lost", reason: "it is shut down" },
  ];
  assertEquals(events, expected);
});

Deno.test("events - failures carry their errors", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  broker.once(RequestCode.SEND_MESSAGE_V2, () => ({ code: 13, remark: "illegal" }));
  broker.once(RequestCode.END_TRANSACTION, () => ({ code: 1, remark: "group wrong" }));
  const producer = await cluster.started(saying("COMMIT"));
  const events = recordEvents(producer);
  const error = await producer.sendMessageInTransaction(message()).catch((error) => error);
  const result = await producer.sendMessageInTransaction(message());
  await settle();

  const [failed, , , ended] = events;
  assert(failed?.type === "sendFailed" && ended?.type === "endTransaction");
  assertEquals([failed.outcome, failed.error, failed.topic], ["failed", error, TOPIC]);
  assertEquals([ended.outcome, ended.error], ["failed", result.endTransactionError]);
});

Deno.test("events - a loop may be left, several may run, all end with the producer", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("ROLLBACK"));
  const all = recordEvents(producer);
  const first = (async () => {
    for await (const event of producer.events()) return event;
  })();
  const rest = Array.fromAsync(producer.events());
  await producer.sendMessageInTransaction(message());
  await producer.shutdown();

  assertEquals((await first)?.type, "halfStored");
  assertEquals((await rest).length, 4);
  assertEquals(all.length, 4);
  assertEquals(await Array.fromAsync(producer.events()), []);
});

Deno.test("stats - count what happened and what is held now", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const { broker } = cluster;
  const producer = await cluster.started<LocalTransactionState>({
    executeLocalTransaction: (_message, state) => state,
    checkLocalTransaction: () => "ROLLBACK",
  });
  for (const state of ["COMMIT", "COMMIT", "ROLLBACK", "UNKNOWN"] as const) {
    await producer.sendMessageInTransaction(message(), state);
  }
  broker.checkBack(broker.strangeHalf({ transactionId: "A" }));
  await settle();
  const running = producer.stats();
  await producer.shutdown();

  assertEquals(running, {
    transactions: 4,
    halfMessages: 4,
    failedSends: 0,
    indeterminateSends: 0,
    localCommits: 2,
    localRollbacks: 1,
    localUnknowns: 1,
    confirmedVerdicts: 4,
    sentVerdicts: 1,
    failedVerdicts: 0,
    foundCommits: 0,
    checkBacks: 1,
    askedChecks: 1,
    joinedChecks: 0,
    stillRunningChecks: 0,
    heldBackChecks: 0,
    repeatedChecks: 0,
    droppedChecks: 0,
    answeredChecks: 1,
    failedChecks: 0,
    slowLocalTransactions: 0,
    lastChecks: 0,
    discardedTransactions: 0,
    transactionsInFlight: 0,
    waitingChecks: 0,
    runningChecks: 0,
    registeredBrokers: ["broker-1", "broker-2"],
    openConnections: 3,
    reconnects: 0,
    droppedEvents: 0,
    sends: 4,
    sendErrors: 0,
    sendRetries: 0,
    sendsInFlight: 0,
    droppedTraces: 0,
  });
  const { registeredBrokers, openConnections } = producer.stats();
  assertEquals({ registeredBrokers, openConnections }, {
    registeredBrokers: [],
    openConnections: 0,
  });
});

Deno.test("logs - no line and no error ever holds a body", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const secret = testSecret("body");
  broker.once(RequestCode.SEND_MESSAGE_V2, () => ({ code: 13, remark: "illegal" }));
  broker.once(RequestCode.END_TRANSACTION, () => ({ code: 1, remark: "group wrong" }));
  const producer = await cluster.started({
    executeLocalTransaction: () => "COMMIT",
    checkLocalTransaction: () => {
      throw new Error("listener failed");
    },
  });
  const events = recordEvents(producer);
  const error = await producer.sendMessageInTransaction(message({ body: secret })).catch((e) => e);
  const result = await producer.sendMessageInTransaction(message({ body: secret }));
  const tooLarge = secret.repeat(300_000);
  const refused = await producer.send(message({ body: tooLarge })).catch((error) => error);
  broker.checkBack(broker.strangeHalf({
    transactionId: "A",
    body: new TextEncoder().encode(secret),
  }));
  await settle();

  const told = Deno.inspect([cluster.logger.lines, events, error, refused, result], {
    depth: 20,
    strAbbreviateSize: 1_000_000,
  });
  assert(told.includes("listener failed") && told.includes("illegal"));
  assertEquals(told.includes(secret), false);
});

Deno.test("logs - a logger that throws disturbs nothing", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const fail = () => {
    throw new Error("disk full");
  };
  const producer = await cluster.started({
    executeLocalTransaction: () => "UNKNOWN",
    checkLocalTransaction: () => {
      throw new Error("listener failed");
    },
  }, { logger: { debug: fail, info: fail, warn: fail, error: fail } });
  await producer.sendMessageInTransaction(message());
  broker.checkBack(broker.halves[0]!);
  broker.checkBack(broker.halves[0]!, { body: new Uint8Array() });
  broker.connection.request({ code: 999 });
  await settle();
  broker.cut();
  await clock.advance(2_000);

  assertEquals(broker.states(), ["UNKNOWN", "UNKNOWN"]);
  assertEquals(producer.stats().registeredBrokers, ["broker-1"]);
});

Deno.test("logs - what servers say can't forge a line or colour a terminal", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock, nameServer } = cluster;
  const evil = "x\r\n2026-01-15 ERROR everything is lost \u001b[31m";
  nameServer.route(TOPIC, [
    { name: "broker-1", address: broker.address },
    { name: `broker-${evil}`, address: "10.0.1.9:10911" },
  ]);
  const producer = cluster.transactionProducer({
    executeLocalTransaction: () => "COMMIT",
    checkLocalTransaction: () => {
      throw new Error(evil);
    },
  });
  const starting = producer.start();
  await clock.advance(10_000);
  await starting;
  broker.once(RequestCode.END_TRANSACTION, () => ({ code: 1, remark: evil }));
  await producer.sendMessageInTransaction(message());
  broker.checkBack(broker.strangeHalf({ transactionId: `T${evil}` }));
  broker.checkBack(broker.strangeHalf({ transactionId: "T", group: evil }));
  await settle();
  nameServer.route("Evil", [{ name: `broker-${evil}`, address: "10.0.1.9:10911" }]);
  const send = watch(producer.send(message({ topic: "Evil" })));
  await clock.advance(3_000);
  assertInstanceOf(send.error, ConnectionError);
  assertStringIncludes(send.error.message, "everything is lost");

  const told = cluster.logger.lines.map(({ message }) => message);
  assert(told.filter((line) => line.includes("everything is lost")).length >= 4, told.join("\n"));
  for (const line of [...told, send.error.message]) assertFalse(/\p{Cc}/u.test(line), line);
});
