import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startExample } from "../examples/example_program.ts";
import { crashAndSettle, CRASHES } from "../examples/order_service_steps.ts";
import { TemporaryFolder } from "../examples/temporary_folder.ts";
import { ADMIN, GUARDED } from "../support/access_control.ts";
import { CertificateAuthority } from "../support/certificates.ts";
import { RocketMQCluster } from "../support/cluster.ts";
import { brokerTest, launcherTest } from "../support/real_broker.ts";
import { testSecret } from "../support/secrets.ts";
import { TestClient } from "../support/test_client.ts";
import { createTlsDialer } from "../../src/transport/mod.ts";
import { makeTlsServerFiles } from "../support/tls_server_files.ts";

brokerTest(
  "order service - what a crash at any moment left open on a real broker is settled by a second run",
  async ({ nameServers, uniqueName }) => {
    const points = Object.keys(CRASHES) as (keyof typeof CRASHES)[];
    await Promise.all(points.map(async (point) => {
      await using folder = await TemporaryFolder.make();
      const topic = uniqueName(`orders_${point}`);
      // The brokers of the tests ask after 2.5 s, then every 2 s.
      const args = ["--nameserver", nameServers, "--topic", topic, "--idle-timeout", "10"];
      await crashAndSettle(folder.path, point, args);
    }));
  },
);

launcherTest(
  "secured cluster - the example sends over TLS as a user who may, and is told when it may not",
  async () => {
    const authority = await CertificateAuthority.create(), caCerts = [authority.cert];
    await using files = await makeTlsServerFiles(authority);
    const { javaOptions } = files;
    await using cluster = await RocketMQCluster.start({ brokers: 0, caCerts, javaOptions });
    await cluster.addBroker({ config: GUARDED });
    const { nameServers } = cluster;
    await using folder = await TemporaryFolder.make();
    await Deno.writeTextFile(`${folder.path}/ca.pem`, authority.cert);
    const send = (secretKey: string) =>
      startExample("secured_cluster.ts", ["--nameserver", nameServers], {
        cwd: folder.path,
        env: { ROCKETMQ_ACCESS_KEY: ADMIN.accessKey, ROCKETMQ_SECRET_KEY: secretKey },
      });

    await using refused = await send(testSecret("of-nobody"));
    assertEquals(await refused.exit(), 3, refused.output);
    assertEquals(refused.stdout, "");

    await using example = await send(ADMIN.secretKey);
    assertEquals(await example.exit(), 0, example.output);
    assertMatch(example.stdout, /^[0-9A-F]{32}: confirmed\n$/);
    await using consumer = new TestClient(nameServers, createTlsDialer({ caCerts }), ADMIN);
    const visible = await consumer.visibleMessages("TopicTest");
    assertEquals(visible.map(({ keys }) => keys), [["secured"]]);

    await Deno.writeTextFile(`${folder.path}/ca.pem`, (await CertificateAuthority.create()).cert);
    await using deceived = await send(ADMIN.secretKey);
    assertEquals(await deceived.exit(), 1, deceived.output);
    assertStringIncludes(deceived.stderr, "its certificate");
  },
);
