import { assertEquals, assertStringIncludes } from "@std/assert";
import { RequestCode } from "../../src/remoting/mod.ts";
import type { TransactionEvent } from "../../src/transaction/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { recordEvents, ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { begin, message, saying } from "./support.ts";

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
  const lines = logger.matching("discards its message after 5", "warn");
  assertEquals(lines.length, 3, "none of them is throttled away");
  assertStringIncludes(lines[0]!, `Broker "${broker.name}" has checked transaction`);
});

Deno.test("warnings - a surplus half message that is about to be discarded is no lost message: it is dropped", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, logger } = cluster;
  const producer = await cluster.started(saying("COMMIT", "UNKNOWN"), { transactionCheckMax: 5 });
  const events = recordEvents(producer);
  await producer.sendMessageInTransaction(message());
  for (const times of ["2", "3"]) {
    broker.checkBack(broker.halves[0]!, { properties: { TRANSACTION_CHECK_TIMES: times } });
    await settle();
  }

  assertEquals(broker.states(), ["COMMIT", "UNKNOWN", "ROLLBACK"]);
  assertEquals([ofType(events, "lastChecks"), ofType(events, "commitFound").length], [[], 1]);
  assertEquals(logger.matching("discards", "warn"), []);
});

Deno.test("warnings - a commit that fails at the last checks is told as well", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  const producer = await cluster.started(saying("UNKNOWN", "COMMIT"));
  const events = recordEvents(producer);
  broker.on(RequestCode.END_TRANSACTION, () => ({ code: 1, remark: "The producer group wrong" }));
  broker.checkBack(broker.strangeHalf({ transactionId: "T" }), {
    properties: { TRANSACTION_CHECK_TIMES: "15" },
  });
  await settle();

  assertEquals(ofType(events, "lastChecks"), [{
    type: "lastChecks",
    transactionId: "T",
    topic: TOPIC,
    brokerName: broker.name,
    checkTimes: 15,
    checksLeft: 0,
  }]);
});

Deno.test("warnings - an outage writes one line for a thousand that fail, and each is told as an event", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, logger } = cluster;
  broker.on(RequestCode.END_TRANSACTION, () => ({ code: 604, remark: "too late" }));
  const producer = await cluster.started(saying("COMMIT"));
  const events = recordEvents(producer);
  const sends = Array.from({ length: 1_000 }, () => producer.sendMessageInTransaction(message()));
  await Promise.all(sends);
  await settle();

  assertEquals(ofType(events, "endTransaction").length, 1_000);
  assertEquals(logger.matching("Could not confirm COMMIT", "warn").length, 1);
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
