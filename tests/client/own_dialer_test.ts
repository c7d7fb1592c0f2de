import { assertEquals } from "@std/assert";
import { type Dialer, LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { until } from "../support/fake_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

/** Dialers as users write them first. A `Deno.Conn` has all that a transport needs. */
const DIALERS: Record<string, Dialer> = {
  "Deno.connect itself": (hostname, port, { signal }) => Deno.connect({ hostname, port, signal }),
  "a close() that throws": async (hostname, port, { signal }) => {
    const { readable, writable } = await Deno.connect({ hostname, port, signal });
    return {
      readable,
      writable,
      close() {
        throw new TypeError("a fault of the dialer");
      },
    };
  },
  "a close() that rejects": async (hostname, port, { signal }) => {
    const { readable, writable } = await Deno.connect({ hostname, port, signal });
    return {
      readable,
      writable,
      close: () => Promise.reject(new TypeError("a fault of the dialer")),
    };
  },
};

for (const [name, dialer] of Object.entries(DIALERS)) {
  Deno.test(`dialer - ${name}: a broker that ends the connection is registered with again and checks back`, async () => {
    await using broker = await EmbeddedBroker.start({
      topics: ["T"],
      transactionTimeout: 1_000,
      transactionCheckInterval: 500,
    });
    const logger = new RecordingLogger();
    const producer = new TransactionProducer({
      nameServers: broker.nameServer,
      producerGroup: "g",
      topics: ["T"],
      dialer,
      heartbeatInterval: 300,
      logger,
      transactionListener: {
        executeLocalTransaction: () => LocalTransactionState.Unknown,
        checkLocalTransaction: () => LocalTransactionState.Commit,
      },
    });
    await producer.start();
    broker.faults.add({ on: "HEART_BEAT", at: "broker-a", action: "close", times: 1 });
    await until(() => logger.matching("Lost the connection to broker").length === 1, 10_000);
    await until(() => logger.matching("Registered with broker").length === 2, 10_000);
    await producer.sendMessageInTransaction({ topic: "T", body: "undecided" });
    await until(() => producer.stats().answeredChecks > 0, 10_000);
    await until(() => broker.stats().commits > 0, 10_000);
    assertEquals((await broker.messages("T")).length, 1);
    await producer.shutdown();
    assertEquals(producer.stats().openConnections, 0);
  });
}
