import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { RocketMQError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, watch } from "../support/scripted_cluster.ts";
import { assertNothingLeft } from "../transaction/support.ts";
import { CLOSING_STATES } from "./closing_states.ts";

/** Milliseconds that `shutdown()` gets, and that it may take beyond them for last words. */
const TIMEOUT = 3_000, LAST_WORDS = 600;

for (const { name, prepare } of CLOSING_STATES) {
  Deno.test(`shutdown - ${name}: it ends in time, all that waits is told, and nothing is left`, async () => {
    await using cluster = new ScriptedCluster();
    const { producer, waiting, finish } = await prepare(cluster);
    const ends = waiting.map((promise) => watch(promise));
    const isRegistered = producer.stats().registeredBrokers.length > 0;
    const shutdown = watch(producer.shutdown({ timeout: TIMEOUT }));
    const again = watch(producer.shutdown({ timeout: TIMEOUT }));
    await cluster.clock.advance(TIMEOUT + LAST_WORDS);

    assertEquals([shutdown.state, again.state], ["resolved", "resolved"]);
    for (const { state, error } of ends) {
      assert(state !== "pending", "something waits for ever");
      if (state === "rejected") assertInstanceOf(error, RocketMQError);
    }
    const farewells = cluster.broker.requests(RequestCode.UNREGISTER_CLIENT).length;
    if (isRegistered) assertEquals(farewells, 1);
    await finish?.();
    const { transactionsInFlight, runningChecks, waitingChecks } = producer.stats();
    assertEquals([transactionsInFlight, runningChecks, waitingChecks], [0, 0, 0]);
    await producer.closed;
    await producer.shutdown();
    await settle();
    await assertNothingLeft(cluster);
  });
}
