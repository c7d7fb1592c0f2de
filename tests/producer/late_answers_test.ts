import { assertEquals } from "@std/assert";
import { RequestCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ScriptedCluster } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { message, saying } from "../transaction/support.ts";

const SEND = RequestCode.SEND_MESSAGE_V2, END = RequestCode.END_TRANSACTION;

/** The broker answers everything at last that it was sent. */
function answerAll({ broker }: ScriptedCluster): void {
  const { connection } = broker;
  for (const request of broker.requests(SEND)) {
    connection.respond(request, broker.store(request, connection));
  }
}

for (const count of [100, 150, 5_000]) {
  for (const kind of ["sends", "transactions"] as const) {
    Deno.test(`late answers - after ${count} ${kind} that timed out, 40 that the broker answers in time succeed`, async () => {
      await using cluster = new ScriptedCluster();
      const { broker, clock } = cluster;
      const producer = await cluster.started(saying("COMMIT"));
      const send = (timeout: number) =>
        kind === "sends"
          ? producer.send(message(), { timeout })
          : producer.sendMessageInTransaction(message(), undefined, { timeout });
      broker.on(SEND, silence);
      const late = Promise.allSettled(Array.from({ length: count }, () => send(1_000)));
      await clock.advance(1_000);
      const failed = (await late).filter(({ status }) => status === "rejected");
      assertEquals(failed.length, count);
      const inTime = Promise.allSettled(Array.from({ length: 40 }, () => send(3_000)));
      await settle();
      answerAll(cluster);
      await clock.advance(100);

      const sent = (await inTime).filter(({ status }) => status === "fulfilled");
      assertEquals([sent.length, broker.connections.length], [40, 1]);
      const ends = kind === "sends" ? 0 : 40;
      assertEquals(broker.requests(END).length, ends);
    });
  }

  Deno.test(`late answers - a broker that answers ${count} one-way commits keeps its connection`, async () => {
    await using cluster = new ScriptedCluster();
    const { broker, clock } = cluster;
    const producer = await cluster.started(saying("COMMIT"), { endTransactionMode: "oneway" });
    broker.on(
      END,
      (request, from) => from.respond(request, { code: 2, remark: "[TIMEOUT_CLEAN_QUEUE]" }),
    );
    await Promise.all(
      Array.from({ length: count }, () => producer.sendMessageInTransaction(message())),
    );
    await clock.advance(100);

    assertEquals([broker.requests(END).length, broker.connections.length], [count, 1]);
    assertEquals(producer.stats().registeredBrokers, ["broker-1"]);
  });
}
