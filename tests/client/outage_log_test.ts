import { assertEquals, assertMatch } from "@std/assert";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";

const message = { topic: TOPIC, body: "order 1" };

/** Lines that are seen without a setting, from a number on. */
function warned({ logger }: ScriptedCluster, from = 0): string[] {
  return logger.lines.slice(from).filter(({ level }) => level === "warn" || level === "error")
    .map(({ message }) => message);
}

Deno.test("log - an outage is told in few lines: lost, once a minute what it costs, then back", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, network, clock } = cluster;
  const producer = cluster.producer();
  await producer.start();
  network.fail(broker.address);
  broker.cut();
  for (let second = 0; second < 150; second++) {
    if (second % 10 === 0) watch(producer.send(message, { timeout: 500 }));
    await clock.advance(1_000);
  }
  network.mend(broker.address);
  await clock.advance(10_000);
  assertEquals(producer.isReady, true);

  const [lost, still, stillThen, back, ...more] = warned(cluster);
  assertEquals(more, []);
  assertMatch(lost!, /^Lost the connection to broker "broker-1" at 10\.0\.1\.1:10911: /);
  const unreachable =
    /^Broker "broker-1" at 10\.0\.1\.1:10911 is still unreachable after (\d+) s, (\d+) sends failed meanwhile: Cannot connect to 10\.0\.1\.1:10911: connection refused, nothing listens there$/;
  assertMatch(still!, unreachable);
  const [, seconds, failed] = unreachable.exec(still!)!;
  assertEquals([Math.round(Number(seconds) / 10), Number(failed) >= 5], [6, true]);
  assertMatch(stillThen!, unreachable);
  assertMatch(
    back!,
    /^Registered with broker "broker-1" at 10\.0\.1\.1:10911 again after 15\d s, 15 sends failed meanwhile$/,
  );
  assertEquals(producer.stats().reconnects, 1);
});

Deno.test("log - a connection that comes and goes is told of once a minute", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock, logger } = cluster;
  const producer = cluster.producer();
  await producer.start();
  for (let round = 0; round < 12; round++) {
    broker.cut();
    await clock.advance(10_000);
  }
  const lost = logger.matching("Lost the connection", "warn");
  assertEquals(lost.length >= 2 && lost.length <= 3, true, `${lost.length} lines in 2 minutes`);
});

Deno.test("log - heartbeats without an answer, hooks that throw, and routes that can't be refreshed are told once a minute", async () => {
  await using cluster = new ScriptedCluster();
  const { clock, logger, nameServer, network } = cluster;
  const producer = cluster.producer({
    sendHooks: {
      before() {
        throw new Error("broken");
      },
    },
  });
  await producer.start();
  network.fail(nameServer.address);
  nameServer.cut();
  for (let second = 0; second < 61; second++) {
    watch(producer.send(message));
    await clock.advance(1_000);
  }
  assertEquals(logger.matching("The hook sendHooks.before failed").length, 2);
  assertMatch(
    logger.matching("The hook sendHooks.before failed")[1]!,
    /\(59 more like this since the last line\)$/,
  );
  const [kept, ...more] = logger.matching(`Kept the known route of topic "${TOPIC}"`, "warn");
  assertMatch(kept!, /name server/);
  assertEquals(more.length <= 1, true);
});

Deno.test("log - tells of the start and the end of a producer", async () => {
  await using cluster = new ScriptedCluster();
  const { logger } = cluster;
  const producer = cluster.producer();
  await producer.start();
  assertEquals(logger.lines.filter(({ level }) => level === "info").map(({ message }) => message), [
    'Registered with broker "broker-1" at 10.0.1.1:10911',
    'Started producer of group "group" as 127.0.0.1@test, registered with broker-1',
  ]);
  await producer.shutdown();
  assertEquals(
    logger.lines.at(-1)?.message,
    'Closed producer of group "group": everything had ended',
  );
  assertEquals(await producer.closed, "drained");
});

Deno.test("log - a missing permission is an error that is told once, and not tried again", async () => {
  await using cluster = new ScriptedCluster({ brokers: 2 });
  const [, second] = cluster.brokers;
  cluster.network.fail(second!.address, "forbidden");
  const producer = cluster.producer();
  watch(producer.start());
  await cluster.clock.advance(10_000);
  await settle();
  assertEquals(producer.isReady, true);
  const dials = cluster.network.dials.length;
  await cluster.clock.advance(120_000);
  assertEquals(cluster.network.dials.length, dials);
  const [line, ...more] = cluster.logger.matching("--allow-net", "error");
  assertEquals(more, []);
  assertEquals(
    line,
    `Cannot reach broker "broker-2" at ${second!.address}: Cannot connect to ${
      second!.address
    }: this ` +
      `program may not, run it with --allow-net=${second!.address} or --allow-net`,
  );
});
