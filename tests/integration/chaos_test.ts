import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { runChaos } from "../chaos/chaos.ts";
import { createReport, formatReport } from "../chaos/report.ts";
import { Testbed } from "../chaos/testbed.ts";
import { progress } from "../support/progress.ts";
import { launcherTest } from "../support/real_broker.ts";

/** Milliseconds within which a frozen broker is noticed on a busy machine; its deadline is 3 s. */
const PATIENCE = 8_000;

launcherTest(
  "TransactionProducer - 2,000 transactions while servers, producer and network go wrong: none lost, none invented",
  async () => {
    await using testbed = await Testbed.start({ hasFaultProxies: true });
    const evidence = await runChaos(testbed, {
      ...{ seed: 4, messages: 2_000, rate: 50, brokers: 2, members: 1 },
      ...{ cluster: "real", mode: "confirm", interval: 3_000, opBatch: 200 },
      faults: { kill: 1, freeze: 1, nameserver: 1, producer: 1, network: 6 },
    });
    const report = createReport(evidence);
    progress(formatReport(report));

    assertEquals(report.violations, [], formatReport(report));
    assertEquals([report.visible, report.notSent], [report.expected, 0]);
    assertGreater(report.expected, 1_000);
    assertGreater(report.checkBacks, 100);
    assertEquals(evidence.faults.length, 10);
    for (const { rejectedAfter } of report.frozen) {
      assert(rejectedAfter !== undefined, "Nobody noticed that a broker froze");
      assertLess(rejectedAfter, PATIENCE);
    }
  },
);
