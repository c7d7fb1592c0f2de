import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { createTlsDialer, type TlsOptions } from "../../src/transport/mod.ts";
import { CertificateAuthority } from "../support/certificates.ts";
import { RocketMQCluster } from "../support/cluster.ts";
import { eventually } from "../support/progress.ts";
import { launcherTest } from "../support/real_broker.ts";
import { TestClient } from "../support/test_client.ts";
import { TLS_PERMISSIVE } from "../support/server_config.ts";
import { makeTlsServerFiles } from "../support/tls_server_files.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

launcherTest(
  "tls - transactions on servers that take nothing but TLS",
  async (test) => {
    const authority = await CertificateAuthority.create();
    const stranger = await CertificateAuthority.create("Another authority");
    const caCerts = [authority.cert];
    await using files = await makeTlsServerFiles(authority);
    await using cluster = await RocketMQCluster.start({ caCerts, javaOptions: files.javaOptions });

    await test.step("commit, rollback and check-back arrive", async () => {
      await using producer = newProducer(cluster, { caCerts });
      await using consumer = new TestClient(cluster.nameServers, createTlsDialer({ caCerts }));
      await producer.start();
      const visible = async () =>
        (await consumer.visibleMessages("Secured")).map(({ tags }) => tags).sort();

      for (const tags of [Commit, Rollback, Unknown]) {
        const message = { topic: "Secured", body: "x".repeat(100_000), tags };
        const { endTransaction } = await producer.sendMessageInTransaction(message);
        assertEquals(endTransaction, tags === Unknown ? "sent" : "confirmed");
      }

      assertEquals((await visible())[0], Commit);
      const isAnswered = async () => (await visible()).length === 2;
      assert(await eventually(isAnswered, 20_000), "the check-back was not answered");
      assertEquals(await visible(), [Commit, Unknown]);
    });

    await test.step("a certificate of another name is accepted by serverName only", async () => {
      await using producer = newProducer(cluster, { caCerts, serverName: "mq.example.com" });
      await producer.start();
      await using misled = newProducer(cluster, { caCerts, serverName: "mq.example.org" });
      assertStringIncludes(
        await startFailure(misled),
        "valid for mq.example.com and 127.0.0.1, not for mq.example.org: set serverName",
      );
    });

    await test.step("an authority that is not trusted is refused, and the error says so", async () => {
      for (const options of [true, {}, { caCerts: [stranger.cert] }]) {
        await using producer = newProducer(cluster, options);
        assertStringIncludes(
          await startFailure(producer),
          "its certificate comes from an unknown issuer: pass the certificate of the authority",
        );
      }
    });

    await test.step("a client certificate is taken, and a stranger's is refused", async () => {
      const client = await authority.issue("producer");
      await using producer = newProducer(cluster, { caCerts, ...client });
      await producer.start();
      const { endTransaction } = await producer.sendMessageInTransaction({
        topic: "Secured",
        body: "from a client that is known",
        tags: Commit,
      });
      assertEquals(endTransaction, "confirmed");

      const unknown = await stranger.issue("stranger");
      await using refused = newProducer(cluster, { caCerts, ...unknown });
      assertStringIncludes(
        await startFailure(refused),
        "the peer refuses the certificate of this client",
      );
    });

    await test.step("plain text is refused", async () => {
      await using producer = newProducer(cluster, false);
      assertStringIncludes(await startFailure(producer), "the peer closed the connection");
    });
  },
);

launcherTest(
  "tls - servers without a certificate of their own are not trusted",
  async () => {
    await using cluster = await RocketMQCluster.start({
      brokers: 0,
      javaOptions: [TLS_PERMISSIVE],
    });
    await using producer = newProducer(cluster, true);
    assertStringIncludes(await startFailure(producer), "over TLS: its certificate");
  },
);

launcherTest(
  "tls - servers whose TLS is switched off are told from others",
  async () => {
    await using cluster = await RocketMQCluster.start({ brokers: 0 });
    await using producer = newProducer(cluster, true);
    assertStringIncludes(
      await startFailure(producer),
      "the peer ended the connection during the handshake, as one does that speaks plain text",
    );
  },
);

function newProducer(cluster: RocketMQCluster, tls: boolean | TlsOptions): TransactionProducer {
  return new TransactionProducer({
    nameServers: cluster.nameServers,
    producerGroup: "secured_group",
    topics: ["Secured"],
    transactionListener: {
      executeLocalTransaction: ({ tags }) => tags as LocalTransactionState,
      checkLocalTransaction: () => Commit,
    },
    startTimeout: 3_000,
    tls,
  });
}

async function startFailure(producer: TransactionProducer): Promise<string> {
  return (await assertRejects(() => producer.start(), Error)).message;
}
