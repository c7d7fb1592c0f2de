import { assertEquals, assertStringIncludes } from "@std/assert";
import type { TransactionEvent } from "../../src/transaction/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { recordEvents, ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { begin, message, PatientListener, saying } from "./support.ts";

function ofType(events: readonly TransactionEvent[], type: TransactionEvent["type"]) {
  return events.filter((event) => event.type === type);
}

Deno.test("warnings - a local transaction that outlives the first check is told once, as event and in the log", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, logger } = cluster;
  const { producer, listener } = await begin(cluster);
  const events = recordEvents(producer);
  const [half] = broker.halves;
  broker.checkBack(half!);
  await settle();
  broker.checkBack(half!, { properties: { TRANSACTION_CHECK_TIMES: "2" } });
  await settle();
  listener.executions[0]!.answer("ROLLBACK");
  await cluster.clock.advance(6_000);

  assertEquals(ofType(events, "slowLocalTransaction"), [{
    type: "slowLocalTransaction",
    transactionId: half!.transactionId,
    topic: TOPIC,
    brokerName: broker.name,
    checkTimes: 1,
  }]);
  const [line] = logger.matching("still runs", "warn");
  assertStringIncludes(line!, "raise transactionTimeOut on the broker");
});

Deno.test("warnings - a local transaction that ended before the first check is no case for one", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started(saying("UNKNOWN"));
  const events = recordEvents(producer);
  await producer.sendMessageInTransaction(message());
  cluster.broker.checkBack(cluster.broker.halves[0]!);
  await settle();
  assertEquals(ofType(events, "slowLocalTransaction"), []);
  assertEquals(cluster.logger.matching("", "warn"), []);
});

Deno.test("warnings - the last checks of a transaction are told, and how many are left", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, logger } = cluster;
  const producer = await cluster.started(saying("UNKNOWN"), { transactionCheckMax: 5 });
  const events = recordEvents(producer);
  await producer.sendMessageInTransaction(message());
  for (const times of ["1", "2", "3", "4", "5"]) {
    broker.checkBack(broker.halves[0]!, { properties: { TRANSACTION_CHECK_TIMES: times } });
    await settle();
  }

  assertEquals(
    ofType(events, "lastChecks").map((event) => "checksLeft" in event && event.checksLeft),
    [2, 1, 0],
  );
  const lines = logger.matching("gives it up after 5", "warn");
  assertEquals(lines.length, 1, "one line a minute");
  assertStringIncludes(lines[0]!, `Broker "${broker.name}" has asked 3 times`);
});

Deno.test("warnings - immunity that eats a third of the checks is told, less is not", async () => {
  await using cluster = new ScriptedCluster();
  const { logger } = cluster;
  const producer = await cluster.started(saying("COMMIT"));
  const events = recordEvents(producer);
  const send = (seconds: string) =>
    producer.sendMessageInTransaction(
      message({ properties: { CHECK_IMMUNITY_TIME_IN_SECONDS: seconds } }),
    );
  await send("120");
  await settle();
  assertEquals(ofType(events, "checkImmunity"), []);
  const { transactionId } = await send("300");
  await settle();

  assertEquals(ofType(events, "checkImmunity"), [{
    type: "checkImmunity",
    transactionId,
    topic: TOPIC,
    brokerName: cluster.broker.name,
    seconds: 300,
    checksLost: 10,
    checksLeft: 5,
  }]);
  assertStringIncludes(logger.matching("costs 10 of the 15 checks", "warn")[0]!, "5 left");
});

Deno.test("warnings - immunity is measured by the check interval that was seen", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const listener = new PatientListener();
  const producer = await cluster.started(listener);
  const events = recordEvents(producer);
  const properties = { CHECK_IMMUNITY_TIME_IN_SECONDS: "20" };
  const strange = broker.strangeHalf({ transactionId: "7F00000100010000000000000000AAAA" });
  for (let round = 0; round < 2; round++) {
    broker.checkBack(strange);
    await clock.advance(2_000);
  }
  const sending = producer.sendMessageInTransaction(message({ properties }));
  await settle();
  listener.executions[0]!.answer("ROLLBACK");
  await sending;
  const [event] = ofType(events, "checkImmunity");
  assertEquals(event && "checksLost" in event && event.checksLost, 10);
});
