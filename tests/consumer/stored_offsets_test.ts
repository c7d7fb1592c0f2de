import {
  assertEquals,
  assertGreater,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { MessageTables } from "../../examples/order_service/message_tables.ts";
import type { Sql } from "../../examples/order_service/sql.ts";
import {
  type ConsumedMessage,
  Consumer,
  type EffectMessage,
  type OffsetDatabase,
  StoredOffsets,
} from "../../src/consumer/mod.ts";
import { InvalidArgumentError, InvalidStateError } from "../../src/errors.ts";
import { SysFlag } from "../../src/message/mod.ts";
import { propertyString, sendHeader } from "../conformance/steps.ts";
import { utf8 } from "../remoting/frames.ts";
import { createSendMessageRequest } from "../support/requests.ts";
import { Member } from "../testing/member.ts";
import { databaseTest } from "./databases.ts";
import {
  EffectWorld,
  forEveryStep,
  SUCCESSOR,
  withTransaction,
  writeEffect,
} from "./effect_world.ts";
import { type Fate, MortalProcess } from "./mortal_process.ts";
import { bodies, GROUP, pause, TOPIC, until } from "./support.ts";

const MESSAGES = bodies(3);

/** Has messages handled by a process that meets its fate at a step, and then by one that lives. */
async function handleTwice(world: EffectWorld, step: number, fate: Fate): Promise<MortalProcess> {
  const first = new MortalProcess(step, fate), second = new MortalProcess();
  const consume = (process: MortalProcess) => {
    const offsets = new StoredOffsets(world.tables(process));
    return world.consume(process, offsets.handler(writeEffect), { offsets });
  };
  const consumer = await consume(first);
  let isDone = false;
  world.untilEffects(MESSAGES).then(() => isDone = true, () => {});
  await until("it is dead or done", () => first.isDead || isDone, 20_000);
  if (isDone && !first.isDead) await consumer.close();
  await consume(second);
  await world.untilEffects(MESSAGES);
  await pause(100);
  assertEquals(await world.effects(), MESSAGES, `step ${step}`);
  return first;
}

for (const fate of ["killed", "fails"] as const) {
  databaseTest(
    `stored offsets - each message has one effect if the ${
      fate === "killed" ? "process is killed" : "database fails"
    } at any step`,
    async (open) => {
      const steps = await forEveryStep(async (step) => {
        await using world = await EffectWorld.open(await open(), MESSAGES);
        return await handleTwice(world, step, fate);
      });
      assertGreater(steps.length, 20, steps.join());
    },
  );
}

databaseTest(
  "stored offsets - a database that was restored has its effects again, although the broker is further",
  async (open) => {
    await using world = await EffectWorld.open(await open(), MESSAGES);
    const process = new MortalProcess();
    const offsets = new StoredOffsets(world.tables(process));
    const handler = offsets.handler(writeEffect);
    const first = await world.consume(process, handler, { offsets });
    await world.untilEffects(MESSAGES);
    assertEquals((await first.close()).isClean, true);
    await world.database.run("UPDATE consumer_offsets SET next_offset = 1");
    await world.database.run("DELETE FROM effects WHERE body <> 'm0'");
    await world.consume(process, handler, { offsets });
    await world.untilEffects(MESSAGES);
    assertEquals(await world.effects(), MESSAGES);
  },
);

databaseTest(
  "stored offsets - a broker that has forgotten the offsets brings no effect again",
  async (open) => {
    await using world = await EffectWorld.open(await open(), MESSAGES);
    const process = new MortalProcess();
    const offsets = new StoredOffsets(world.tables(process));
    const seen: string[] = [];
    const handler = offsets.handler((message, tx) => {
      seen.push(new TextDecoder().decode(message.body));
      return writeEffect(message, tx);
    });
    const first = await world.consume(process, handler, { offsets });
    await world.untilEffects(MESSAGES);
    assertEquals((await first.close()).isClean, true);

    await world.forgetOffsets();
    await world.shop.send(["later"]);
    await world.consume(process, handler, { offsets });
    await world.untilEffects(["later"]);
    assertEquals(seen, [...MESSAGES, "later"]);
    assertEquals(await world.effects(), ["later", ...MESSAGES]);
  },
);

/** Lets a transaction begin, or its effect end, when a test says so. */
function gated(tables: MessageTables, where: "before" | "within", gate: Promise<void>) {
  return withTransaction(tables, async (work) => {
    if (where === "before") await gate;
    return await tables.transaction(async (tx) => {
      const result = await work(tx);
      if (where === "within") await gate;
      return result;
    });
  });
}

for (const where of ["before", "within"] as const) {
  databaseTest(
    `stored offsets - of two members that have one queue, one without knowing that it lost it, one has ` +
      `the effect (the loser is ${where === "before" ? "late" : "in the middle"})`,
    async (open) => {
      await using world = await EffectWorld.open(await open(), ["a"]);
      const process = new MortalProcess(), tables = world.tables(process);
      const gate = Promise.withResolvers<void>();
      const slow = new StoredOffsets(gated(tables, where, gate.promise));
      const calls: string[] = [], settlements: string[] = [];
      const effect = (name: string) => async (message: EffectMessage, tx: Sql) => {
        calls.push(name);
        await writeEffect(message, tx);
      };
      const watch = (handler: (message: ConsumedMessage) => Promise<void>) => {
        return async (message: ConsumedMessage) => {
          message.settled.then((settlement) => settlements.push(settlement));
          await handler(message);
          ended++;
        };
      };
      let begun = false, ended = 0;
      await world.consume(process, (message) => {
        begun = true;
        return watch(slow.handler(effect("slow")))(message);
      }, { offsets: slow });
      await until("the slow one has it", () => begun && (where === "before" || calls.length === 1));

      const quick = new StoredOffsets(tables);
      await world.consume(process, watch(quick.handler(effect("quick"))), {
        offsets: quick,
        instanceName: SUCCESSOR,
      });
      if (where === "before") await until("the quick one has it done", () => ended === 1);
      else await pause(300);
      gate.resolve();
      await until("the slow one has ended", () => ended >= (where === "before" ? 2 : 1));
      await pause(300);
      assertEquals(await world.effects(), ["a"]);
      assertEquals(calls, [where === "before" ? "quick" : "slow"]);
    },
  );
}

databaseTest(
  "stored offsets - a failed message is repeated in place, those behind it wait",
  async (open) => {
    await using world = await EffectWorld.open(await open(), MESSAGES);
    const process = new MortalProcess();
    const offsets = new StoredOffsets(world.tables(process));
    const seen: string[] = [];
    await world.consume(
      process,
      offsets.handler(async (message, tx) => {
        seen.push(`${new TextDecoder().decode(message.body)} ${message.attempt}`);
        await writeEffect(message, tx);
        if (message.offset === 1n && message.attempt < 3) throw new Error("no stock");
      }),
      { offsets, retry: { delay: 50 } },
    );
    await world.untilEffects(MESSAGES);
    assertEquals(seen, ["m0 1", "m1 1", "m1 2", "m1 3", "m2 1"]);
    assertEquals(await world.effects(), MESSAGES);
    assertEquals(await world.broker.messages(`%RETRY%${GROUP}`), []);
  },
);

databaseTest(
  "stored offsets - a message that is put aside leaves nothing, is a dead letter, and never comes again",
  async (open) => {
    await using world = await EffectWorld.open(await open(), ["a", "refused", "failing"]);
    const process = new MortalProcess();
    const offsets = new StoredOffsets(world.tables(process));
    const seen: string[] = [];
    const handler = offsets.handler(async (message, tx) => {
      seen.push(`${new TextDecoder().decode(message.body)} ${message.attempt}`);
      await writeEffect(message, tx);
      try {
        if (message.offset === 1n) message.deadLetter("no such article");
      } catch {
        // An effect that catches everything does not get around it.
      }
      if (message.offset === 2n) throw new Error("never");
    });
    const options = { offsets, retry: { attempts: 2, delay: 0 } };
    const consumer = await world.consume(process, handler, options);
    const deadLetters = () => world.broker.messages(`%DLQ%${GROUP}`);
    for (const end = Date.now() + 8_000; (await deadLetters()).length < 2 && Date.now() < end;) {
      await pause(20);
    }
    assertEquals((await consumer.close()).isClean, true);
    assertStringIncludes(JSON.stringify(world.shop.logger.lines), "no such article");
    await world.shop.send(["later"]);
    await world.consume(process, handler, options);
    await world.untilEffects(["later"]);
    assertEquals(seen, ["a 1", "refused 1", "failing 1", "failing 2", "later 1"]);
    assertEquals(await world.effects(), ["a", "later"]);
    assertEquals((await deadLetters()).length, 2);
  },
);

databaseTest(
  "stored offsets - an effect that hides the error of its last statement is not lost",
  async (open) => {
    await using world = await EffectWorld.open(await open(), ["a"]);
    const process = new MortalProcess();
    const offsets = new StoredOffsets(world.tables(process));
    await world.consume(
      process,
      offsets.handler(async (message, tx) => {
        await writeEffect(message, tx);
        // PostgreSQL answers the COMMIT after that with ROLLBACK, which is no error.
        if (message.attempt === 1) await tx.run("INSERT INTO nowhere VALUES (1)").catch(() => {});
      }),
      { offsets },
    );
    await world.untilEffects(["a"]);
    assertEquals(await world.effects(), ["a"]);
  },
);

databaseTest(
  "stored offsets - a message that can't be read is a dead letter before those behind it are handled",
  async (open) => {
    await using world = await EffectWorld.open(await open(), ["a"]);
    using member = await Member.join(world.broker, "raw");
    const properties = propertyString({ UNIQ_KEY: "broken" });
    const header = sendHeader({ topic: TOPIC, sysFlag: SysFlag.Compressed, properties });
    await member.ask(createSendMessageRequest({ ...header, queueId: 0 }, utf8("no zlib")));
    await world.shop.send(["b"]);
    using refused = world.broker.faults.add({
      on: "CONSUMER_SEND_MSG_BACK",
      action: "answer",
      code: 2,
      times: 1,
    });
    const process = new MortalProcess(), tables = world.tables(process);
    const offsets = new StoredOffsets(tables);
    await world.consume(process, offsets.handler(writeEffect), { offsets });
    await until("it was refused once", () => refused.hits === 1);
    await pause(300);
    const brokerName = world.broker.brokers[0]!.name;
    const queue = { group: GROUP, topic: TOPIC, brokerName, queueId: 0 };
    assertEquals([await world.effects(), await tables.readOffset(queue)], [["a"], 1n]);
    await world.untilEffects(["b"]);
    assertStringIncludes(
      JSON.stringify(world.shop.logger.lines),
      "Made a dead letter of message 1",
    );
    assertEquals([await world.effects(), await tables.readOffset(queue)], [["a", "b"], 3n]);

    await member.ask(createSendMessageRequest({ ...header, queueId: 0 }, utf8("no zlib")));
    for (const end = Date.now() + 8_000; await tables.readOffset(queue) !== 4n;) {
      if (Date.now() > end) throw new Error("The stored offset does not pass the dead letter");
      await pause(10);
    }
  },
);

databaseTest(
  "stored offsets - a message that stops its queue is not passed, and is had when the group goes on",
  async (open) => {
    await using world = await EffectWorld.open(await open(), MESSAGES);
    const process = new MortalProcess();
    const offsets = new StoredOffsets(world.tables(process));
    let isMended = false;
    const handler = offsets.handler((message, tx) => {
      if (message.offset === 1n && !isMended) throw new Error("no stock");
      return writeEffect(message, tx);
    });
    const options = { offsets, retry: { attempts: 2, delay: 0, then: "stop" } } as const;
    const stopped = await world.consume(process, handler, options);
    const isTold = () => JSON.stringify(world.shop.logger.lines).includes("Handles nothing behind");
    await until("the log says so", isTold);
    await pause(200);
    assertEquals(await world.effects(), ["m0"]);
    await stopped.close();
    isMended = true;
    await world.consume(process, handler, options);
    await world.untilEffects(MESSAGES);
    assertEquals(await world.effects(), MESSAGES);
  },
);

databaseTest(
  "stored offsets - members come and go, and each message is handled once",
  async (open) => {
    await using world = await EffectWorld.open(await open(), bodies(40));
    const process = new MortalProcess(), tables = world.tables(process);
    const offsets = new StoredOffsets(tables);
    let calls = 0;
    const handler = offsets.handler(async (message, tx) => {
      calls++;
      await pause(20);
      await writeEffect(message, tx);
    });
    // Each gets the only queue when it comes, and gives it back when it goes.
    const options = { offsets, handOverTimeout: 5_000, shutdownTimeout: 5_000 };
    await world.consume(process, handler, options);
    for (const name of ["a", "b", "c"]) {
      await pause(100);
      const guest = await world.consume(process, handler, { ...options, instanceName: name });
      await pause(150);
      assertEquals((await guest.close()).isClean, true);
    }
    await world.untilEffects(bodies(40));
    assertEquals([calls, await world.effects()], [40, bodies(40).sort()]);
  },
);

databaseTest(
  "stored offsets - a queue that ends before the stored offset is not read, and the log says what to do",
  async (open) => {
    await using world = await EffectWorld.open(await open(), MESSAGES);
    const process = new MortalProcess(), tables = world.tables(process);
    const offsets = new StoredOffsets(tables);
    const brokerName = world.broker.brokers[0]!.name;
    const queue = { group: GROUP, topic: TOPIC, brokerName, queueId: 0 };
    await offsets.passOver(queue, 100n);
    await world.consume(process, offsets.handler(writeEffect), { offsets });
    const isTold = () =>
      JSON.stringify(world.shop.logger.lines).includes(
        "it ends at 3, and the stored offset is 100",
      );
    await until("the log says so", isTold);
    await pause(300);
    assertEquals(await world.effects(), []);

    await world.database.run("UPDATE consumer_offsets SET next_offset = 1");
    await world.untilEffects(["m1", "m2"]);
    assertEquals(await world.effects(), ["m1", "m2"]);
  },
);

databaseTest(
  "stored offsets - a handler for a consumer without them is refused, because later messages would count for earlier ones",
  async (open) => {
    await using world = await EffectWorld.open(await open(), ["a"]);
    const process = new MortalProcess();
    const offsets = new StoredOffsets(world.tables(process));
    await world.consume(process, offsets.handler(writeEffect));
    const isTold = () =>
      JSON.stringify(world.shop.logger.lines).includes("pass them to it as option offsets");
    await until("the log says so", isTold);
    assertEquals(await world.effects(), []);
  },
);

databaseTest(
  "stored offsets - a transaction that does not wait for its work acknowledges nothing",
  async (open) => {
    await using world = await EffectWorld.open(await open(), ["a"]);
    const process = new MortalProcess(), tables = world.tables(process);
    const gate = Promise.withResolvers<void>();
    const forgetful = withTransaction(tables, <T>(work: (tx: Sql) => Promise<T>) => {
      work(world.database);
      return Promise.resolve(undefined as T);
    });
    forgetful.advanceOffset = () => gate.promise.then(() => true);
    const offsets = new StoredOffsets(forgetful);
    await world.consume(process, offsets.handler(writeEffect), { offsets });
    const isTold = () =>
      JSON.stringify(world.shop.logger.lines).includes("resolved without its work");
    await until("the log says so", isTold);
    assertEquals((await world.broker.messages(TOPIC)).length, 1);
    gate.resolve();
  },
);

Deno.test("stored offsets - a database without a method, and offsets that are no bigints, are refused", async () => {
  let error: unknown;
  try {
    new StoredOffsets({ transaction: () => {} } as unknown as OffsetDatabase<void>);
  } catch (cause) {
    error = cause;
  }
  assertEquals(error instanceof InvalidArgumentError, true);
  assertStringIncludes(String(error), "readOffset");
  const odd = new StoredOffsets<void>({
    transaction: (work) => work(),
    readOffset: () => 5 as unknown as bigint,
    advanceOffset: () => true,
  });
  const queue = { group: GROUP, topic: TOPIC, brokerName: "b", queueId: 0 };
  await assertRejects(() => odd.read(queue), InvalidStateError, "a number");
});

Deno.test("stored offsets - another order than that of queues is refused, because a later message would count for earlier ones", () => {
  const offsets = new StoredOffsets<void>({
    transaction: (work) => work(),
    readOffset: () => undefined,
    advanceOffset: () => true,
  });
  const options = { nameServers: "127.0.0.1:9876", group: GROUP, subscriptions: { [TOPIC]: "*" } };
  new Consumer({ ...options, offsets, order: "queue" });
  for (const order of ["none", () => "key"] as const) {
    assertThrows(
      () => new Consumer({ ...options, offsets, order }),
      InvalidArgumentError,
      'order must be "queue"',
    );
  }
  assertThrows(
    () => new Consumer({ ...options, offsets: {} as typeof offsets }),
    InvalidArgumentError,
    "it has no method read",
  );
});
