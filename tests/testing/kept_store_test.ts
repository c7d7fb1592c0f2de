import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import { EmbeddedBroker, type EmbeddedBrokerOptions } from "../../src/testing/mod.ts";
import { Program } from "../support/program.ts";
import { until } from "../support/fake_clock.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

const OPEN_FOLDER = new URL("testdata/open_folder.ts", import.meta.url);

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "embedded-broker-" });
  try {
    await test(`${folder}/store`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function startBroker(
  folder: string,
  options: EmbeddedBrokerOptions = {},
): Promise<EmbeddedBroker> {
  const transactionCheckInterval = Infinity;
  return EmbeddedBroker.start({ listen: false, folder, transactionCheckInterval, ...options });
}

/** A started producer whose verdicts are the tags, and whose check-backs get one answer. */
async function startProducer(
  broker: EmbeddedBroker,
  answer: LocalTransactionState,
): Promise<TransactionProducer> {
  const producer = new TransactionProducer({
    nameServers: broker.nameServer,
    dialer: broker.dialer,
    producerGroup: "g",
    topics: ["T"],
    transactionListener: {
      executeLocalTransaction: ({ tags }) => tags as LocalTransactionState,
      checkLocalTransaction: () => answer,
    },
  });
  await producer.start();
  return producer;
}

async function visibleKeys(broker: EmbeddedBroker, topic = "T"): Promise<string[]> {
  return (await broker.messages(topic)).flatMap(({ keys }) => keys).sort();
}

async function halfKeys(broker: EmbeddedBroker): Promise<string[]> {
  return (await broker.halfMessages()).flatMap(({ keys }) => keys).sort();
}

Deno.test("EmbeddedBroker - with a folder a later one goes on with visible and half messages", async () => {
  await withFolder(async (folder) => {
    {
      await using broker = await startBroker(folder);
      await using producer = await startProducer(broker, Unknown);
      for (const tags of [Commit, Rollback, Unknown]) {
        await producer.sendMessageInTransaction({ topic: "T", body: "x", tags, keys: tags });
      }
      // It is written again before it is asked about: the last record is the one that counts.
      await until(() => broker.stats().unknowns === 1);
      broker.checkNow();
      await until(() => broker.stats().unknowns === 2);
    }
    {
      await using broker = await startBroker(folder);
      assertEquals(await visibleKeys(broker), [Commit]);
      assertEquals(await halfKeys(broker), [Unknown]);
      await using _producer = await startProducer(broker, Commit);
      assertEquals(broker.checkNow(), 1);
      await broker.settled();
    }
    await using broker = await startBroker(folder);
    assertEquals(await visibleKeys(broker), [Commit, Unknown]);
    assertEquals([await halfKeys(broker), broker.checkNow()], [[], 0]);
  });
});

Deno.test("EmbeddedBroker - what was given up stays given up in a later one", async () => {
  await withFolder(async (folder) => {
    {
      await using broker = await startBroker(folder, { transactionCheckMax: 1 });
      await using producer = await startProducer(broker, Unknown);
      await producer.sendMessageInTransaction({ topic: "T", body: "x", tags: Unknown, keys: "1" });
      broker.checkNow();
      broker.checkNow();
      await broker.settled();
    }
    await using broker = await startBroker(folder);
    assertEquals([await halfKeys(broker), broker.checkNow()], [[], 0]);
    assertEquals(await visibleKeys(broker, "TRANS_CHECK_MAX_TIME_TOPIC"), ["1"]);
  });
});

Deno.test("EmbeddedBroker - a record that a crash has cut off is dropped, and the rest goes on", async () => {
  await withFolder(async (folder) => {
    {
      await using broker = await startBroker(folder);
      await using producer = await startProducer(broker, Unknown);
      for (const keys of ["1", "2"]) await producer.send({ topic: "T", body: "x", keys });
    }
    const path = `${folder}/broker-a.log`;
    await Deno.truncate(path, (await Deno.stat(path)).size - 1);
    {
      await using broker = await startBroker(folder);
      assertEquals(await visibleKeys(broker), ["1"]);
      await using producer = await startProducer(broker, Unknown);
      await producer.send({ topic: "T", body: "x", keys: "3" });
    }
    await using broker = await startBroker(folder);
    assertEquals(await visibleKeys(broker), ["1", "3"]);
  });
});

Deno.test("EmbeddedBroker - a folder that another one has, or that may not be used, is refused", async () => {
  await withFolder(async (folder) => {
    await using broker = await startBroker(folder);
    await assertRejects(() => startBroker(folder), InvalidArgumentError, "another embedded broker");

    // It ends although it does not dispose of anything: nothing is left open by a failed start.
    for (
      const [permissions, message] of [
        [["--allow-net", `--allow-read=${folder}`, `--allow-write=${folder}`], "another embedded"],
        [["--allow-net"], `--allow-write=${folder}`],
      ] as const
    ) {
      await using other = new Program(OPEN_FOLDER, { permissions, args: [folder] });
      assertEquals(await other.exit(), 0, other.output);
      assertStringIncludes(other.stdout, message);
    }
    assertEquals(await visibleKeys(broker), []);
  });
});
