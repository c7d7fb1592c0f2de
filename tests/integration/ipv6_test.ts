import { assert, assertEquals, assertMatch } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import { TestClient } from "../support/test_client.ts";

/** Reports whether this machine has the loopback address of IPv6. */
function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

/** The loopback address as Java writes it. */
const LOOPBACK = "[0:0:0:0:0:0:0:1]";

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}

if (hasIpv6()) {
  clusterTest(
    "TransactionProducer - a broker on IPv6, whose address name servers give without brackets",
    { brokers: [{ host: "::1" }] },
    async ({ nameServers, brokers: [broker] }) => {
      const topic = "Ipv6", checked: string[] = [];
      await using producer = new TransactionProducer<LocalTransactionState>({
        nameServers,
        producerGroup: "ipv6",
        topics: [topic],
        transactionListener: {
          executeLocalTransaction: (_message, state) => state,
          checkLocalTransaction({ body, bornHost }) {
            checked.push(`${new TextDecoder().decode(body)} of ${hostOf(bornHost)}`);
            return LocalTransactionState.Commit;
          },
        },
      });
      await producer.start();
      await producer.createTopic({ topic });
      assertMatch(broker!.address, /^::1:\d+$/);

      const committed = await producer.sendMessageInTransaction(
        { topic, body: "committed", keys: ["order-1"] },
        LocalTransactionState.Commit,
      );
      assertEquals(committed.endTransaction, "confirmed");
      await producer.sendMessageInTransaction(
        { topic, body: "checked" },
        LocalTransactionState.Unknown,
      );
      await using consumer = new TestClient(nameServers);
      const areVisible = async () => (await consumer.visibleMessages(topic)).length === 2;
      assert(await eventually(areVisible, 60_000, 500));
      assertEquals(checked, [`checked of ${LOOPBACK}`]);

      const [found] = await producer.queryMessages({ topic, key: "order-1" });
      assertEquals(found!.offsetMessageId.length, 56);
      const viewed = await producer.viewMessage(found!.offsetMessageId, { topic });
      assertEquals(new TextDecoder().decode(viewed!.body), "committed");
      assertEquals(hostOf(viewed!.storeHost), LOOPBACK);
    },
  );
}
