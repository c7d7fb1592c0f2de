import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { dialTcp } from "../../src/transport/mod.ts";
import { until } from "../support/fake_clock.ts";
import { Member } from "./member.ts";

Deno.test("EmbeddedBroker - 100,000 messages take no more memory than they are", async () => {
  const script = new URL("testdata/store_and_pull.ts", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--v8-flags=--expose-gc", script],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const { pulled, stored, used } = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals(pulled, 100_000);
  assertGreater(stored, 100_000 * 1_000);
  // Positions, tags and keys: less than a tenth of messages of a kilobyte.
  assertLess(used, 1.1 * stored);
});

for (const transport of ["memory", "TCP"] as const) {
  Deno.test(`EmbeddedBroker - a thousand connections leave nothing, over ${transport}`, async () => {
    await using broker = await EmbeddedBroker.start({ transactionCheckInterval: Infinity });
    const dialer = transport === "TCP" ? dialTcp : broker.dialer;
    for (let round = 0; round < 20; round++) {
      const members = await Promise.all(
        Array.from({ length: 50 }, () => Member.join(broker, "g", { dialer })),
      );
      assertEquals(broker.stats().connections, 50);
      for (const member of members) member[Symbol.dispose]();
      await until(() => broker.stats().connections === 0);
    }
    assertEquals(broker.stats().connectionsOpened, 1_000);

    using last = await Member.join(broker, "other", { dialer });
    await last.sendHalf("T", "k");
    broker.checkNow();
    using member = await Member.join(broker, "g", { dialer });
    await member.sendHalf("T", "k");
    for (let round = 0; round < 3; round++) broker.checkNow();
    await until(() => member.checks.length === 3);
    assertEquals(broker.stats().missedChecks, 0);
  });
}
