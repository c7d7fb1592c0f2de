import { assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import {
  BrokerResponseError,
  type CompressionName,
  createReply,
  InvalidArgumentError,
  Producer,
  type ProducerOptions,
  ResponseCode,
  TransactionProducer,
} from "../../mod.ts";
import {
  compressionFlags,
  CompressionType,
  compressionTypeOf,
  decodeMessages,
  decompress,
  encodeStoredMessage,
} from "../../src/message/internal.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { settle, until } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { silentLogger } from "../support/test_client.ts";

/** 10 000 bytes that become much smaller. */
const LARGE = new TextEncoder().encode("price=1.25;".repeat(1_000)).subarray(0, 10_000);

async function start(options: Partial<ProducerOptions> = {}) {
  const cluster = new ScriptedCluster();
  const producer = cluster.producer({ sendTimeout: 10_000, ...options });
  await producer.start();
  return { cluster, broker: cluster.broker, producer };
}

Deno.test("compression - each way says in the flags how the body is to be read", async () => {
  for (
    const [compression, type] of [
      [undefined, CompressionType.ZLIB],
      ["ZLIB", CompressionType.ZLIB],
      ["ZSTD", CompressionType.ZSTD],
      ["LZ4", CompressionType.LZ4],
    ] as [CompressionName | undefined, CompressionType][]
  ) {
    const { cluster, broker, producer } = await start(compression && { compression });
    await using _cluster = cluster;
    await producer.send({ topic: TOPIC, body: LARGE });
    const [{ body, sysFlag }] = broker.messages as [typeof broker.messages[0]];
    assertEquals(compressionTypeOf(sysFlag), type);
    assertEquals(sysFlag, compressionFlags(type));
    assertLess(body.length, LARGE.length / 10);
    assertEquals(await decompress(body, type), LARGE);
  }
});

Deno.test("compression - starts at its threshold, and only where the body becomes smaller", async () => {
  const flags = async (options: Partial<ProducerOptions>, bodies: Uint8Array[]) => {
    const { cluster, broker, producer } = await start(options);
    await using _cluster = cluster;
    for (const body of bodies) await producer.send({ topic: TOPIC, body });
    assertEquals(
      broker.messages.filter(({ sysFlag }) => sysFlag === 0).every(({ body }) =>
        bodies.some((sent) => sent.length === body.length)
      ),
      true,
    );
    return broker.messages.map(({ sysFlag }) => sysFlag);
  };
  const noise = crypto.getRandomValues(new Uint8Array(10_000));
  const bodies = [new Uint8Array(4095), new Uint8Array(4096), noise];
  assertEquals(await flags({}, bodies), [0, 0x301, 0]);
  assertEquals(
    await flags({ compressBodyOver: 100, compression: "LZ4" }, [
      new Uint8Array(99),
      new Uint8Array(100),
    ]),
    [0, 0x101],
  );
  assertEquals(await flags({ compressBodyOver: 0 }, [new Uint8Array(1)]), [0]);
  assertEquals(await flags({ compression: "NONE" }, bodies), [0, 0, 0]);
});

Deno.test("compression - a higher level makes smaller bodies, and 3 is the default", async () => {
  const nth = (i: number, n: number) => Math.floor(1e6 * (1 + Math.sin(i) * Math.cos(i * i))) % n;
  const orders = Array.from(
    { length: 500 },
    (_, i) => `order ${nth(i, 9973)} of customer ${nth(i + 7, 97)}: ${nth(i + 3, 12)} pieces`,
  ).join("\n");
  const first = await sizeOf(orders, { compressionLevel: 1 });
  const second = await sizeOf(orders, { compressionLevel: 2 });
  const third = await sizeOf(orders, { compressionLevel: 3 });
  assertLess(second, first);
  assertLess(third, second);
  assertEquals(await sizeOf(orders, {}), third);
});

/** Bytes that reach the broker of a body. */
async function sizeOf(body: string, settings: { compressionLevel?: number }): Promise<number> {
  const { cluster, broker, producer } = await start(settings);
  await using _cluster = cluster;
  await producer.send({ topic: TOPIC, body });
  return broker.messages[0]!.body.length;
}

Deno.test("compression - is done to one-way messages, requests, replies and half messages, not to batches", async () => {
  const { cluster, broker } = await start();
  await using _cluster = cluster;
  const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" }, {
    producerGroup: "tx",
  });
  await producer.sendOneway({ topic: TOPIC, body: LARGE });
  await producer.sendMessageInTransaction({ topic: TOPIC, body: LARGE });
  broker.on(RequestCode.SEND_BATCH_MESSAGE, () => ({ code: ResponseCode.MESSAGE_ILLEGAL }));
  const batched = [{ topic: TOPIC, body: LARGE }, { topic: TOPIC, body: LARGE }];
  await assertRejects(() => producer.sendBatch(batched), BrokerResponseError);
  watch(producer.request({ topic: TOPIC, body: LARGE }));
  await settle();
  const request = broker.messages.at(-1)!;
  const [consumed] = await decodeMessages(encodeStoredMessage({
    topic: TOPIC,
    body: request.body,
    sysFlag: request.sysFlag,
    properties: { ...request.properties, CLUSTER: "c" },
    storeHost: broker.address,
  }));
  assertEquals(consumed!.body, LARGE);
  cluster.route("c_REPLY_TOPIC");
  broker.on(RequestCode.SEND_REPLY_MESSAGE_V2, (command, on) => broker.store(command, on));
  await producer.send(createReply(consumed!, LARGE));
  assertEquals(broker.messages.map(({ sysFlag }) => sysFlag), [0x301, 0x305, 0x301, 0x301]);

  const [batch] = broker.requests(RequestCode.SEND_BATCH_MESSAGE);
  assertEquals([batch!.extFields["f"], batch!.body.length > 2 * LARGE.length], ["0", true]);
});

Deno.test("compression - large and small messages leave in the order of their calls", async () => {
  const { cluster, broker, producer } = await start();
  await using _cluster = cluster;
  const queue = { brokerName: broker.name, queueId: 0 };
  const sends = Array.from({ length: 20 }, (_, index) =>
    producer.send({
      topic: TOPIC,
      body: index % 2 === 0 ? new Uint8Array(2_000_000) : "small",
      properties: { at: `${index}` },
    }, { queue }));
  await until(() => broker.messages.length === sends.length);
  await Promise.all(sends);
  assertEquals(
    broker.messages.map(({ properties }) => properties["at"]),
    sends.map((_, index) => `${index}`),
  );
});

Deno.test("compression - the size limit counts before it, and a check-back shows the body as it was", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false, topics: [TOPIC] });
  const asked: Uint8Array[] = [];
  await using producer = new TransactionProducer({
    nameServers: broker.nameServer,
    dialer: broker.dialer,
    producerGroup: "compressing",
    topics: [TOPIC],
    maxMessageSize: LARGE.length,
    compression: "ZSTD",
    logger: silentLogger,
    transactionListener: {
      executeLocalTransaction: () => "UNKNOWN",
      checkLocalTransaction: ({ body }) => {
        asked.push(body);
        return "COMMIT";
      },
    },
  });
  await producer.start();
  const tooLarge = new Uint8Array(LARGE.length + 1);
  let refusals = 0;
  for (
    const send of [producer.send.bind(producer), producer.sendMessageInTransaction.bind(producer)]
  ) {
    await send({ topic: TOPIC, body: tooLarge }).catch((error) => {
      if (error instanceof InvalidArgumentError) refusals++;
    });
  }
  assertEquals(refusals, 2);
  await producer.sendMessageInTransaction({ topic: TOPIC, body: LARGE });
  await broker.settled();
  assertEquals(asked, [LARGE]);
  assertEquals((await broker.messages(TOPIC)).map(({ body }) => body), [LARGE]);
});

Deno.test("compression - options that can't be are refused", () => {
  const make = (options: Record<string, unknown>) => () =>
    new Producer({ nameServers: "127.0.0.1:1", producerGroup: "g", ...options });
  for (
    const [options, reason] of [
      [{ compression: "GZIP" }, 'option compression: it must be "ZLIB", "ZSTD", "LZ4" or "NONE"'],
      [{ compression: "constructor" }, "option compression"],
      [{ compressBodyOver: -1 }, "option compressBodyOver"],
      [{ compressBodyOver: "4096" }, "option compressBodyOver"],
      [{ compressionLevel: 0 }, "option compressionLevel: it must be a whole number from 1 to 9"],
      [{ compressionLevel: 10 }, "from 1 to 9"],
      [{ compressionLevel: 23, compression: "ZSTD" }, "from 1 to 22"],
    ] as [Record<string, unknown>, string][]
  ) {
    assertThrows(make(options), InvalidArgumentError, reason);
  }
});
