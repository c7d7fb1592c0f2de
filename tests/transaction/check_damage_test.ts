import { deflateSync } from "node:zlib";
import { assert, assertEquals, assertLess } from "@std/assert";
import { compressionFlags, CompressionType, SysFlag } from "../../src/message/internal.ts";
import { until } from "../support/fake_clock.ts";
import { recordEvents, ScriptedCluster } from "../support/scripted_cluster.ts";
import type { CheckBackOptions, ReceivedMessage } from "../support/scripted_broker.ts";
import { PatientListener } from "./support.ts";

const COMPRESSED = SysFlag.TransactionPrepared | compressionFlags(CompressionType.ZLIB);

/** Check-backs that can be answered, but on whose message nothing may be decided. */
const DAMAGED: Record<
  string,
  { half?: () => Partial<ReceivedMessage>; options?: CheckBackOptions; remark: string }
> = {
  "a wrong checksum": {
    options: { damage: (stored) => void (stored[8]! ^= 1) },
    remark: "the checksum of its body is wrong",
  },
  "a zip bomb of 64 MiB": {
    half: () => ({ body: deflateSync(new Uint8Array(64 * 1024 * 1024)), sysFlag: COMPRESSED }),
    remark: "4194304",
  },
  "a compressed body that is none": {
    half: () => ({ body: Uint8Array.of(1, 2, 3, 4, 5), sysFlag: COMPRESSED }),
    remark: "Cannot ",
  },
  "a compression that does not exist": {
    half: () => ({ sysFlag: SysFlag.TransactionPrepared | SysFlag.Compressed | 7 << 8 }),
    remark: "compression type 7",
  },
};

for (const [title, { half, options = {}, remark }] of Object.entries(DAMAGED)) {
  Deno.test(`check-back - with ${title} it is answered unknown without asking the listener`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker } = cluster;
    let asked = 0;
    const producer = await cluster.started({
      executeLocalTransaction: () => "COMMIT",
      checkLocalTransaction: () => (asked++, "COMMIT"),
    });
    const events = recordEvents(producer);
    const before = Deno.memoryUsage().rss;
    broker.checkBack(broker.strangeHalf({ transactionId: "T", ...half?.() }), options);
    await until(() => broker.states().length > 0);

    assertEquals([broker.states(), asked], [["UNKNOWN"], 0]);
    assert(broker.verdicts()[0]!.remark!.includes(remark), broker.verdicts()[0]!.remark);
    assertLess(Deno.memoryUsage().rss - before, 200 * 1024 * 1024);
    await until(() => events.some(({ type }) => type === "checkFailed"));
    assertEquals([producer.stats().failedChecks, producer.stats().runningChecks], [1, 0]);

    broker.checkBack(broker.strangeHalf({ transactionId: "next" }));
    await until(() => broker.states().length > 1);
    assertEquals(broker.states()[1], "COMMIT");
  });
}

Deno.test("check-back - damaged ones do not keep a good one waiting, even while nothing can be written", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock, network } = cluster;
  const listener = new PatientListener();
  const producer = await cluster.started(listener);
  network.ends.get(broker.address)!.hold();
  for (let i = 0; i < 50; i++) {
    broker.checkBack(broker.strangeHalf({ transactionId: `bad ${i}` }), {
      damage: (stored) => void (stored[8]! ^= 1),
    });
  }
  broker.checkBack(broker.strangeHalf({ transactionId: "good" }));
  await clock.advance(500);

  assertEquals(listener.checks.map(({ context }) => context.transactionId), ["good"]);
  listener.checks[0]!.answer("COMMIT");
  network.ends.get(broker.address)!.release();
  await clock.advance(500);
  assertEquals(broker.states(), [...Array(50).fill("UNKNOWN"), "COMMIT"]);
  assertEquals(producer.stats().runningChecks, 0);
});
