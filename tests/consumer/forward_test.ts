import { assertEquals, assertGreater } from "@std/assert";
import { FORWARDED_FROM, type ForwardResult, MessageForwarder } from "../../src/consumer/mod.ts";
import { databaseTest } from "./databases.ts";
import {
  EffectWorld,
  forEveryStep,
  SUCCESSOR,
  withTransaction,
  writeEffect,
} from "./effect_world.ts";
import { type Fate, MortalProcess } from "./mortal_process.ts";
import { GROUP, pause, until } from "./support.ts";

const ORDERS = ["order 1", "order 2"];

/** Forwards orders in a process that meets its fate at a step, and then in one that lives. */
async function forwardTwice(world: EffectWorld, step: number, fate: Fate): Promise<MortalProcess> {
  const first = new MortalProcess(step, fate), second = new MortalProcess();
  await world.forward(first);
  if (fate === "fails") {
    await world.untilForwarded(ORDERS);
  } else {
    const isForwarded = world.untilForwarded(ORDERS).catch(() => {});
    let isDone = false;
    isForwarded.then(() => isDone = true);
    await until("it is dead or done", () => first.isDead || isDone, 20_000);
    if (first.isDead) {
      await world.forward(second);
      await world.untilEffects(ORDERS);
      await world.untilForwarded(ORDERS);
    }
  }
  await pause(300);
  await world.untilForwarded(ORDERS);
  assertEquals([await world.effects(), await world.outputs()], [ORDERS, ORDERS], `step ${step}`);
  return first;
}

for (const fate of ["killed", "fails"] as const) {
  databaseTest(
    `forward - has one effect and one visible output if the ${
      fate === "killed" ? "process is killed" : "database fails"
    } at any step`,
    async (open) => {
      const steps = await forEveryStep(async (step) => {
        await using world = await EffectWorld.open(await open(), ORDERS);
        return await forwardTwice(world, step, fate);
      });
      assertGreater(steps.length, 20, steps.join());
      assertEquals(steps.includes("before COMMIT") && steps.includes("after COMMIT"), true);
    },
  );
}

databaseTest(
  "forward - a message that comes again finds what became of it, and sends no half message",
  async (open) => {
    await using world = await EffectWorld.open(await open(), ["a"]);
    const process = new MortalProcess(), results: ForwardResult[] = [];
    const onResult = (result: ForwardResult) => void results.push(result);
    const first = await world.forward(process, { onResult });
    await world.untilForwarded(["a"]);
    assertEquals((await first.close()).isClean, true);
    await world.forgetOffsets();
    await world.forward(process, { onResult });
    await until("it has come again", () => results.length === 2, 20_000);
    const { transactionId } = results[0]!;
    assertEquals(results, [
      { outcome: "forwarded", transactionId: transactionId! },
      { outcome: "repeated", transactionId: transactionId! },
    ]);
    const [output] = await world.broker.messages("bills");
    assertEquals(output!.messageId, transactionId);
    assertEquals(output!.properties[FORWARDED_FROM]!.startsWith(`${GROUP}/`), true);
    assertEquals(world.broker.stats().halves, 1);
  },
);

databaseTest(
  "forward - of two members that forward one message at once one has the effect, and the other's half message goes",
  async (open) => {
    await using world = await EffectWorld.open(await open(), ["a"]);
    const process = new MortalProcess(), tables = world.tables(process);
    const gate = Promise.withResolvers<void>();
    let isLate = false;
    const late = withTransaction(tables, async (work) => {
      isLate = true;
      await gate.promise;
      return await tables.transaction(work);
    });
    const results: ForwardResult[] = [];
    const onResult = (result: ForwardResult) => void results.push(result);
    await world.forward(process, { database: late, onResult });
    await until("one has sent its half message", () => isLate);
    await world.forward(process, { onResult, instanceName: SUCCESSOR });
    await until("the other has forwarded", () => results.length === 1, 20_000);
    gate.resolve();
    await until("both are done", () => results.length === 2);
    await world.untilForwarded(["a"]);
    assertEquals(results.map(({ outcome }) => outcome), ["forwarded", "repeated"]);
    assertEquals(results[0]!.transactionId, results[1]!.transactionId);
    assertEquals([await world.effects(), await world.outputs()], [["a"], ["a"]]);
    assertEquals(world.broker.stats().halves, 2);
  },
);

databaseTest(
  "forward - a check-back that another member gets while the effect runs leaves it open",
  async (open) => {
    await using world = await EffectWorld.open(await open(), ["a"]);
    const process = new MortalProcess(), other = new MortalProcess();
    const idle = await world.produce(other, new MessageForwarder(world.tables(other)));
    // Until the gate opens the effect is on its way, and its database transaction has not begun.
    const tables = world.tables(process);
    const late = withTransaction(tables, async (work) => {
      await until("another was asked", () => idle.stats().checkBacks > 1, 20_000);
      return await tables.transaction(work);
    });
    await world.forward(process, { database: late });
    await world.untilForwarded(["a"]);
    assertEquals([await world.effects(), await world.outputs()], [["a"], ["a"]]);
  },
);

databaseTest(
  "forward - a database that runs the work again after a commit that happened all the same loses no output",
  async (open) => {
    await using world = await EffectWorld.open(await open(), ["a"]);
    const process = new MortalProcess(), tables = world.tables(process);
    const again = withTransaction(tables, async (work) => {
      await tables.transaction(work);
      return await tables.transaction(work);
    });
    await world.forward(process, { database: again });
    await world.untilForwarded(["a"]);
    assertEquals([await world.effects(), await world.outputs()], [["a"], ["a"]]);
    assertEquals(world.broker.stats().halves, 1);
  },
);

databaseTest(
  "forward - a message that the effect puts aside has no effect, no output and no half message",
  async (open) => {
    await using world = await EffectWorld.open(await open(), ["a", "refused"]);
    const process = new MortalProcess(), results: ForwardResult[] = [];
    await world.forward(process, {
      onResult: (result) => void results.push(result),
      effect: async (message, tx) => {
        await writeEffect(message, tx);
        if (message.offset === 1n) message.deadLetter("no such account");
      },
    });
    await world.untilForwarded(["a"]);
    await until("both are done", () => results.length === 2);
    await world.untilForwarded(["a"]);
    assertEquals(results.map(({ outcome }) => outcome).sort(), ["dead-lettered", "forwarded"]);
    assertEquals([await world.effects(), await world.outputs()], [["a"], ["a"]]);
    const [dead, ...others] = await world.broker.messages(`%DLQ%${GROUP}`);
    assertEquals([new TextDecoder().decode(dead!.body), others.length], ["refused", 0]);
  },
);

Deno.test("forward - the listener leaves other transactional messages to their own", async () => {
  const forwarder = new MessageForwarder<void>({
    transaction: (work) => work(),
    insertEntry: () => true,
    findEntry: (key) => key === "g/1" ? { key, output: "t1" } : undefined,
  });
  const stateOf = (key: string | undefined, transactionId: string, localTransactionRan?: boolean) =>
    forwarder.stateOf({ properties: key === undefined ? {} : { [FORWARDED_FROM]: key } }, {
      transactionId,
      localTransactionRan,
    });
  assertEquals(await stateOf("g/1", "t1"), "COMMIT");
  assertEquals(await stateOf("g/1", "t2"), "ROLLBACK");
  assertEquals(await stateOf("g/2", "t1"), "UNKNOWN");
  assertEquals(await stateOf("g/2", "t1", true), "UNKNOWN");
  assertEquals(await stateOf("g/2", "t1", false), "ROLLBACK");
  assertEquals(await stateOf(undefined, "t1"), undefined);

  const own = forwarder.listener({
    executeLocalTransaction: () => "COMMIT",
    checkLocalTransaction: () => "ROLLBACK",
  });
  const check = (listener: typeof own) =>
    // deno-lint-ignore no-explicit-any
    listener.checkLocalTransaction!({ properties: {} } as any, { transactionId: "t" } as any);
  assertEquals(await check(own), "ROLLBACK");
  assertEquals(await check(forwarder.listener()), "UNKNOWN");
});
