import { assert, assertEquals } from "@std/assert";
import { Producer, type RocketMQError, type TransactionProducer } from "../../mod.ts";
import { resolveClientOptions } from "../../src/client/mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import type { Dialer } from "../../src/transport/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { recordEvents, ScriptedCluster } from "../support/scripted_cluster.ts";
import { message, saying } from "../transaction/support.ts";
import { CREDENTIALS, requestsTo } from "./access_support.ts";

Deno.test("credentials - secret, token and signatures are in nothing that shows an object of ours", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, logger } = cluster;
  const producer = await cluster.started(saying("COMMIT", "ROLLBACK"), {
    credentials: CREDENTIALS,
  });
  const events = recordEvents(producer as TransactionProducer<never>);
  const things: unknown[] = [producer, events, logger.lines];
  things.push(resolveClientOptions({ ...cluster.options, credentials: CREDENTIALS }));
  things.push(cluster.client({ credentials: CREDENTIALS }));
  things.push(cluster.producer({ credentials: CREDENTIALS }));
  const keep = async (promise: Promise<unknown>) => {
    things.push(await promise.catch((error) => error));
  };

  await keep(producer.sendMessageInTransaction(message()));
  await keep(producer.begin(message()));
  broker.checkBack(broker.strangeHalf({ transactionId: "0".repeat(32) }));
  broker.checkBack(broker.strangeHalf({ transactionId: "1".repeat(32) }), {
    body: new Uint8Array(9),
  });
  for (
    const remark of [
      "check signature failed.",
      "User:alice has no permission to access Topic:TopicTest from 10.0.0.1, no matched policies.",
    ]
  ) {
    for (const code of [RequestCode.SEND_MESSAGE_V2, RequestCode.END_TRANSACTION]) {
      broker.once(code, () => ({ code: 16, remark }));
      await keep(producer.sendMessageInTransaction(message()));
    }
  }
  broker.once(RequestCode.SEND_MESSAGE_V2, (_command, on) => on.reset());
  await keep(producer.sendMessageInTransaction(message()));
  await keep(producer.send(message({ topic: "no.topic" })));
  await settle();
  things.push(producer.stats());
  await cluster.clock.advance(60_000);

  const signatures = requestsTo(cluster).map(({ extFields }) => extFields.Signature!);
  assert(signatures.length > 10 && logger.lines.length > 2 && events.length > 5);
  const secrets = [CREDENTIALS.secretKey, CREDENTIALS.securityToken, ...signatures];
  for (const thing of things) {
    const shown = [
      Deno.inspect(thing, { depth: 30, showHidden: true, strAbbreviateSize: Infinity }),
      JSON.stringify(thing, (_key, value) => typeof value === "bigint" ? `${value}` : value) ?? "",
      String(thing),
      (thing as RocketMQError).stack ?? "",
    ];
    for (const text of shown) {
      for (const secret of secrets) assert(!text.includes(secret), text);
    }
  }
});

Deno.test("credentials - without TLS to another machine a warning is given, once", async () => {
  for (const [encrypted, warnings] of [[false, 1], [true, 0], [undefined, 0]] as const) {
    await using cluster = new ScriptedCluster();
    const dialer: Dialer = async (...to) => {
      const { readable, writable, close } = await cluster.network.dialer(...to);
      return { readable, writable, close, ...(encrypted === undefined ? {} : { encrypted }) };
    };
    await cluster.started(saying("COMMIT"), { credentials: CREDENTIALS, dialer });
    assertEquals(cluster.logger.matching("not encrypted", "warn").length, warnings);
    await cluster.producer({ dialer }).start();
    assertEquals(cluster.logger.matching("not encrypted").length, warnings);
  }
});

Deno.test("credentials - on the same machine TLS is not missed", async () => {
  await using broker = await EmbeddedBroker.start();
  const logger = new RecordingLogger();
  const { port } = new URL(`http://${broker.nameServer}`);
  for (const nameServers of [broker.nameServer, `localhost:${port}`]) {
    await using producer = new Producer({
      nameServers,
      producerGroup: "local",
      topics: ["Local"],
      credentials: CREDENTIALS,
      logger,
    });
    await producer.start();
    await producer.send({ topic: "Local", body: "x" });
  }
  assert(logger.lines.length > 0);
  assertEquals(logger.matching("not encrypted"), []);
});
