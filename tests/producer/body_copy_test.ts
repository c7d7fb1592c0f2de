import { assertEquals } from "@std/assert";
import type { ProducerOptions, TransactionProducer } from "../../mod.ts";
import { compressionTypeOf, decompress } from "../../src/message/internal.ts";
import { isOneway, RequestCode, ResponseCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";

/** A body that is not compressed, one that is, and one that does not become smaller. */
const BODIES: Record<string, Uint8Array<ArrayBuffer>> = {
  small: new TextEncoder().encode("an order"),
  compressible: new TextEncoder().encode("an order and another one ".repeat(400)),
  random: crypto.getRandomValues(new Uint8Array(10_000)),
};

type Send = (producer: TransactionProducer, body: Uint8Array) => Promise<unknown>;

const KINDS: Record<string, Send> = {
  "send()": (producer, body) => producer.send({ topic: TOPIC, body }),
  "sendOneway()": (producer, body) => producer.sendOneway({ topic: TOPIC, body }),
  "sendMessageInTransaction()": (producer, body) =>
    producer.sendMessageInTransaction({ topic: TOPIC, body }),
  "request()": (producer, body) =>
    producer.request({ topic: TOPIC, body }, { timeout: 1_000 }).catch(() => {}),
};

async function start(options: Partial<ProducerOptions> = {}) {
  const cluster = new ScriptedCluster();
  const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" }, options);
  return { cluster, producer, broker: cluster.broker };
}

/** The bodies that the broker got, as they were before they were compressed. */
async function bodiesAt({ brokers }: ScriptedCluster): Promise<Uint8Array[]> {
  const sends = brokers.flatMap((broker) => broker.requests(RequestCode.SEND_MESSAGE_V2));
  return await Promise.all(sends.map(({ body, extFields }) => {
    const type = compressionTypeOf(Number(extFields.f));
    return type === undefined ? body : decompress(body, type);
  }));
}

for (const [kind, send] of Object.entries(KINDS)) {
  for (const [name, body] of Object.entries(BODIES)) {
    Deno.test(`${kind} - a ${name} body goes as it was when the call was made`, async () => {
      const { cluster, producer } = await start();
      await using _cluster = cluster;
      const buffer = body.slice(), sent = send(producer, buffer);
      buffer.fill(0);
      await cluster.clock.advance(1_000);
      await sent;

      assertEquals(await bodiesAt(cluster), [body]);
    });

    Deno.test(`${kind} - a ${name} body that waits for its turn goes as it was`, async () => {
      const { cluster, producer, broker } = await start({ maxSendsInFlight: 1 });
      await using _cluster = cluster;
      const held = Promise.withResolvers<void>();
      broker.on(RequestCode.SEND_MESSAGE_V2, (command, connection) => {
        if (broker.requests(RequestCode.SEND_MESSAGE_V2).length > 1) {
          return isOneway(command) ? undefined : broker.store(command, connection);
        }
        held.promise.then(() => connection.respond(command, broker.store(command, connection)));
      });
      const first = producer.send({ topic: TOPIC, body: "first" });
      const buffer = body.slice(), second = send(producer, buffer);
      buffer.fill(0);
      await settle();
      assertEquals((await bodiesAt(cluster)).length, 1, "the second one waits");
      held.resolve();
      await first;
      await settle();
      await cluster.clock.advance(1_000);
      await second;

      assertEquals((await bodiesAt(cluster))[1], body);
    });
  }
}

for (const [name, body] of Object.entries(BODIES)) {
  Deno.test(`send() - a ${name} body goes to another broker as it went to the first`, async () => {
    await using cluster = new ScriptedCluster({ brokers: 2 });
    const producer = cluster.producer();
    await producer.start();
    let refused = 0;
    for (const broker of cluster.brokers) {
      broker.on(RequestCode.SEND_MESSAGE_V2, (command, connection) => {
        if (refused++ === 0) return { code: ResponseCode.SERVICE_NOT_AVAILABLE };
        return broker.store(command, connection);
      });
    }
    const buffer = body.slice(), sent = producer.send({ topic: TOPIC, body: buffer });
    buffer.fill(0);
    await settle();
    await cluster.clock.advance(1_000);
    await sent;

    assertEquals(await bodiesAt(cluster), [body, body]);
    assertEquals(refused, 2);
  });

  Deno.test(`autoBatch - a ${name} body goes as it was when the call was made`, async () => {
    const { cluster, producer } = await start({ autoBatch: true });
    await using _cluster = cluster;
    const buffer = body.slice(), sent = producer.send({ topic: TOPIC, body: buffer });
    buffer.fill(0);
    await cluster.clock.advance(1_000);
    await sent;

    const got = cluster.broker.requests(RequestCode.SEND_BATCH_MESSAGE).map(({ body }) => body);
    const [whole = (await bodiesAt(cluster))[0]!] = got;
    assertEquals(indexOf(whole, body) >= 0, true);
  });
}

for (const [kind, send] of Object.entries(KINDS)) {
  Deno.test(`${kind} - bodies that are transferred after the call take up no room of later ones`, async () => {
    const { cluster, producer, broker } = await start({ maxSendBytesInFlight: 25_000 });
    await using _cluster = cluster;
    const given: Promise<unknown>[] = [];
    for (let i = 0; i < 6; i++) {
      const buffer = BODIES.random!.slice();
      given.push(send(producer, buffer));
      structuredClone(buffer, { transfer: [buffer.buffer] });
      assertEquals(buffer.length, 0);
      await settle();
    }
    broker.on(RequestCode.SEND_MESSAGE_V2, silence);
    const unanswered = [1, 2].map(() => {
      return producer.send({ topic: TOPIC, body: BODIES.random! }, { timeout: 500 }).catch(
        () => {},
      );
    });
    await settle();

    assertEquals(await bodiesAt(cluster), Array(8).fill(BODIES.random));
    await cluster.clock.advance(1_000);
    await Promise.all([...given, ...unanswered]);
  });
}

/** Where some bytes stand in others; -1 if they don't. */
function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = 0; at + wanted.length <= bytes.length; at++) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}
