import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { readArguments, UsageError } from "./arguments.ts";
import { Database } from "./database.ts";
import { LineReader, LineWriter, type Row } from "./journal.ts";
import { DEFAULT_COUNTS, drawSchedule, FAULT_KINDS } from "./schedule.ts";
import { createBody, drawMessage } from "./workload.ts";

const SCHEDULE = {
  duration: 40_000,
  counts: DEFAULT_COUNTS,
  brokers: 2,
  nameServers: 2,
  proxies: 2,
  replicated: 1,
};

Deno.test("chaos - without arguments it is the whole program with all kinds of faults", () => {
  const { seed, messages, rate, faults } = readArguments([]);
  assertEquals([seed, messages, rate], [1, 2_000, 50]);
  const special = ["proxy", "failover", "lag"];
  assertEquals(Object.keys(faults), FAULT_KINDS.filter((kind) => !special.includes(kind)));
});

Deno.test("chaos - proxies can be restarted where there are some", () => {
  const { proxies, faults } = readArguments(["--broker", "proxy", "--proxies", "2"]);
  assertEquals([proxies, faults.proxy, faults.network], [2, DEFAULT_COUNTS.proxy, undefined]);
});

Deno.test("chaos - its arguments say what goes wrong, and how often", () => {
  const args = ["--faults", "kill:1,network", "--seed=7", "--messages", "100", "--json"];
  const wanted = readArguments([...args, "--local-ms", "8000", "--check-ms", "500"]);
  assertEquals(wanted.faults, { kill: 1, network: DEFAULT_COUNTS.network });
  assertEquals([wanted.seed, wanted.messages, wanted.json], [7, 100, true]);
  assertEquals([wanted.localMs, wanted.checkMs], [8_000, 500]);
  assertEquals(readArguments(["--faults", "none"]).faults, {});
  const others = ["--members", "3", "--mode", "oneway", "--interval", "1000", "--op-batch", "3000"];
  const { members, mode, interval, opBatch, cluster } = readArguments(others);
  assertEquals([members, mode, interval, opBatch, cluster], [3, "oneway", 1_000, 3_000, "real"]);
});

for (
  const args of [
    ["--fault", "kill"],
    ["--faults", "earthquake"],
    ["--faults", "kill:x"],
    ["--faults"],
    ["--seed", "x"],
    ["--rate", "0"],
    ["--messages"],
    ["--evidence"],
    ["--mode", "twice"],
    ["--broker", "mine"],
    ["--faults", "freeze", "--broker", "embedded"],
    ["--faults", "proxy"],
    ["--faults", "lag", "--broker", "acting"],
  ]
) {
  Deno.test(`chaos - ${args.join(" ")} is refused`, () => {
    assertThrows(() => readArguments(args), UsageError, `Cannot use ${args[0]}`);
  });
}

Deno.test("chaos - the same seed draws the same faults, another one draws others", () => {
  const schedule = drawSchedule({ ...SCHEDULE, seed: 5 });
  assertEquals(drawSchedule({ ...SCHEDULE, seed: 5 }), schedule);
  assertNotEquals(drawSchedule({ ...SCHEDULE, seed: 6 }), schedule);
});

Deno.test("chaos - a schedule has as many faults of each kind as were asked for, during the sends", () => {
  for (let seed = 0; seed < 50; seed++) {
    const schedule = drawSchedule({ ...SCHEDULE, seed });
    const counts = Object.groupBy(schedule, ({ kind }) => kind);
    for (const kind of FAULT_KINDS) assertEquals(counts[kind]?.length, DEFAULT_COUNTS[kind]);
    assert(schedule.every(({ at }) => at > 0 && at < SCHEDULE.duration));
    const troubles = schedule.flatMap(({ trouble }) => trouble ? [trouble.name] : []);
    assertEquals(troubles.sort(), ["cut", "hang", "limit", "reset", "slices", "slow"]);
  }
});

Deno.test("chaos - a message is the same whenever it is drawn, and has all kinds of listeners", () => {
  const plans = Array.from({ length: 500 }, (_, index) => drawMessage({ seed: 3 }, index));
  assertEquals(drawMessage({ seed: 3 }, 17), plans[17]);
  assertEquals(createBody(3, plans[17]!), createBody(3, plans[17]!));
  assertNotEquals(createBody(3, plans[17]!), createBody(4, plans[17]!));
  const kinds = new Set(plans.map(({ local }) => local));
  assertEquals(kinds, new Set([undefined, "throw", "reject", "garbage", "unknown"]));
  const commits = plans.filter(({ truth }) => truth === "COMMIT").length;
  assert(commits > 280 && commits < 370, `${commits} commits of 500`);
});

Deno.test("chaos - the database of a producer that was killed is there for the next one", async () => {
  const path = await Deno.makeTempFile();
  try {
    using first = new Database(path);
    using second = new Database(path);
    const row: Row = { transactionId: "t", index: 4, truth: "COMMIT", sum: 1, isFenced: false };
    assertEquals(second.find("t"), undefined);
    assertEquals(first.insert(row), row);
    assertEquals(second.find("t"), row);
    assertEquals(second.insert({ ...row, truth: "ROLLBACK", isFenced: true }), row);
    assertEquals(second.finished(), new Set([4]));
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("chaos - a journal can be read while it is written, and a torn line waits for its rest", async () => {
  const path = await Deno.makeTempFile();
  try {
    using reader = new LineReader<{ text: string }>(path);
    using writer = new LineWriter<{ text: string }>(path);
    assertEquals(reader.read(), []);
    writer.write({ text: "ä\n" });
    assertEquals(reader.read(), [{ text: "ä\n" }]);
    await Deno.writeTextFile(path, '{"text":', { append: true });
    assertEquals(reader.read(), []);
    await Deno.writeTextFile(path, '"b"}\n', { append: true });
    assertEquals(reader.read(), [{ text: "b" }]);
  } finally {
    await Deno.remove(path);
  }
});
