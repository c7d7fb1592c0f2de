import { assert, assertEquals } from "@std/assert";
import { type LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import { silentLogger } from "../support/test_client.ts";

const TOPIC = "InRocksDb";

clusterTest(
  "RocksDB - transactions whose half messages are not in the log end as their listener says, and inspect() says what it can't tell",
  {
    brokerConfig: {
      transRocksDBEnable: "true",
      transWriteOriginTransHalfEnable: "false",
      transactionTimeOut: "1000",
      transactionCheckInterval: "1000",
    },
  },
  async (cluster) => {
    const checked = new Map<string, LocalTransactionState>();
    await using producer = new TransactionProducer<LocalTransactionState>({
      nameServers: cluster.nameServers,
      producerGroup: "rocksdb-group",
      topics: [TOPIC],
      logger: silentLogger,
      sendTimeout: 10_000,
      transactionListener: {
        executeLocalTransaction: (_message, state) => state,
        checkLocalTransaction: (_message, { transactionId }) =>
          checked.get(transactionId) ?? "UNKNOWN",
      },
    });
    await producer.start();
    const send = async (state: LocalTransactionState, body: string) =>
      (await producer.sendMessageInTransaction({ topic: TOPIC, body }, state)).transactionId;
    const inspect = (id: string) => producer.inspect(id, { topic: TOPIC });
    const becomes = (id: string, state: string) =>
      eventually(async () => (await inspect(id)).state === state, 30_000, 200);
    const [committed, open] = [await send("COMMIT", "1"), await send("UNKNOWN", "2")];
    assert(await becomes(committed, "committed"));
    assert(await becomes(open, "uncertain"));
    assert(await eventually(() => producer.stats().checkBacks > 1, 30_000, 100));
    assertEquals((await inspect(open)).records.map(({ kind }) => kind), ["half"]);
    checked.set(open, "COMMIT");
    assert(await becomes(open, "committed"));

    assertEquals((await inspect(open)).copies, 1);
  },
);
