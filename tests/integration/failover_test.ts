import { assert, assertEquals, assertFalse, assertGreater, assertLess } from "@std/assert";
import {
  LocalTransactionState,
  TransactionProducer,
  type TransactionSendResult,
} from "../../mod.ts";
import { RequestCode, ResponseCode } from "../../src/remoting/mod.ts";
import { createGetRouteInfoRequest, createHeartbeatRequest } from "../../src/requests/mod.ts";
import type { BrokerProcess } from "../support/cluster.ts";
import { createTopic } from "../support/create_topic.ts";
import { eventually } from "../support/progress.ts";
import { brokerTest, clusterTest } from "../support/real_broker.ts";
import type { ServerProcess } from "../support/server_process.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";
import { WatchingDialer } from "../support/watching_dialer.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;

/** Long enough for a broker to be started on a busy machine, in milliseconds. */
const PATIENCE = 60_000;

clusterTest(
  "TransactionProducer - two name servers, two masters and a slave, each of which may go",
  {
    nameServers: 2,
    brokers: [{}, {}, { slaveOf: "broker-a" }],
    // A busy machine is not what is tested here.
    brokerConfig: { waitTimeMillsInSendQueue: "10000", waitTimeMillsInTransactionQueue: "10000" },
  },
  async (cluster, test) => {
    const [master, other, slave] = cluster.brokers as [BrokerProcess, BrokerProcess, BrokerProcess];
    const [first, second] = cluster.nameServerProcesses as [ServerProcess, ServerProcess];
    const topic = "Orders";
    await createTopic(topic, [master, other]);

    let list = cluster.nameServers, looks = 0;
    await using web = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      () => {
        looks++;
        return new Response(`${list}\n`);
      },
    );
    const watching = new WatchingDialer();
    const committed = new Set<string>();
    await using consumer = new TestClient(second.address);
    await using producer = new TransactionProducer({
      nameServersUrl: `http://127.0.0.1:${web.addr.port}/rocketmq/nsaddr`,
      nameServersPollInterval: 500,
      producerGroup: "orders",
      topics: [topic],
      sendTimeout: PATIENCE,
      requestTimeout: 2_000,
      endTransactionTimeout: 2_000,
      dialer: watching.dialer,
      logger: silentLogger,
      transactionListener: {
        executeLocalTransaction: () => Commit,
        checkLocalTransaction: (_message, { transactionId }) =>
          committed.has(transactionId) ? Commit : Rollback,
      },
    });
    await producer.start();

    /** Commits a message, on a certain broker if need be. */
    async function send(brokerName?: string): Promise<TransactionSendResult> {
      const options = brokerName === undefined ? {} : { queue: { brokerName, queueId: 0 } };
      const message = { topic, body: "order" };
      const result = await producer.sendMessageInTransaction(message, undefined, options);
      committed.add(result.transactionId);
      return result;
    }

    async function untilVisible(): Promise<void> {
      let seen: string[] = [];
      await eventually(
        async () => {
          const messages = await consumer.visibleMessages(topic).catch(() => []);
          seen = [...new Set(messages.map(({ messageId }) => messageId))];
          return seen.length >= committed.size;
        },
        PATIENCE,
        500,
      );
      assertEquals(seen.sort(), [...committed].sort());
    }

    await test.step("a slave is left alone", async () => {
      const used = new Set<string>();
      for (let index = 0; index < 20; index++) used.add((await send()).messageQueue.brokerName);

      assertEquals([...used].sort(), ["broker-a", "broker-b"]);
      assertFalse(watching.dialled.includes(slave.address));
    });

    await test.step("a name server that leaves the list is left", async () => {
      list = second.address;
      const isLeft = () => watching.openTo(first.address) === 0;
      assert(await eventually(isLeft, PATIENCE));
      await createTopic("Others", [other]);
      await producer.send({ topic: "Others", body: "o" });
      assertGreater(watching.codesTo(second.address).length, 0);

      list = cluster.nameServers;
      const seen = looks;
      assert(await eventually(() => looks > seen + 1, PATIENCE));
    });

    await test.step("one that freezes or dies does not hold up a send", async () => {
      await createTopic("MoreOthers", [other]);
      second.suspend();
      const startedAt = performance.now();
      try {
        await producer.send({ topic: "MoreOthers", body: "o" });
        assertLess(performance.now() - startedAt, 10_000);
      } finally {
        second.resume();
      }
      await createTopic("EvenMore", [other]);
      await first.kill();
      await producer.send({ topic: "EvenMore", body: "o" });
      assertEquals(watching.openTo(second.address), 1);
    });

    const open = await producer.begin({ topic, body: "order" }, {
      queue: { brokerName: "broker-a", queueId: 0 },
    });

    await test.step("when its master dies a verdict fails in time, and sends go on", async () => {
      await master.kill();
      committed.add(open.transactionId);
      const startedAt = performance.now();
      const { endTransaction, endTransactionError } = await open.commit();
      assertEquals(endTransaction, "failed", String(endTransactionError));
      assertLess(performance.now() - startedAt, 10_000);

      for (let index = 0; index < 10; index++) {
        assertEquals((await send()).messageQueue.brokerName, "broker-b");
      }
      assertFalse(watching.dialled.includes(slave.address));
    });

    await test.step("back on another port it is found, and asks for the verdict", async () => {
      const before = master.address;
      await cluster.moveBroker(master);
      await master.start();
      assertEquals((await send("broker-a")).endTransaction, "confirmed");

      assert(watching.openTo(master.address) === 1 && master.address !== before);
      assert(await eventually(() => watching.openTo(before) === 0, PATIENCE));
      await untilVisible();
    });

    await test.step("a master that freezes is noticed by a send, long before the heartbeat", async () => {
      const events = producer.events();
      other.suspend();
      const startedAt = performance.now();
      try {
        const queue = { brokerName: "broker-b", queueId: 0 };
        await producer.send({ topic: "Others", body: "o" }, { queue, timeout: 500 })
          .catch(() => {});
        for await (const event of events) if (event.type === "brokerLost") break;
        assertLess(performance.now() - startedAt, 15_000);
      } finally {
        other.resume();
      }
      assertEquals((await send("broker-b")).endTransaction, "confirmed");
      await untilVisible();
      assertFalse(watching.dialled.includes(slave.address));
    });
  },
);

brokerTest(
  "Producer - servers answer what they are asked when they seem to be dead",
  async ({ nameServers, brokers }) => {
    await using client = new TestClient(nameServers);
    const [nameServer] = nameServers.split(";") as [string];
    const heartbeat = createHeartbeatRequest({ clientId: "probe", producerGroups: [] });
    for (const { address } of brokers) {
      assertEquals((await client.request(address, heartbeat)).code, ResponseCode.SUCCESS);
    }
    const { code } = await client.request(nameServer, createGetRouteInfoRequest("TBW102"));
    assert(code === ResponseCode.SUCCESS || code === ResponseCode.TOPIC_NOT_EXIST, `${code}`);
  },
);

brokerTest(
  "TransactionProducer - over the VIP channel sends go to port - 2, verdicts and check-backs don't",
  async ({ nameServers, brokers, uniqueName }) => {
    const topic = uniqueName("Vip");
    await createTopic(topic, brokers);
    await using consumer = new TestClient(nameServers);
    const watching = new WatchingDialer();
    await using producer = new TransactionProducer<LocalTransactionState>({
      nameServers,
      producerGroup: uniqueName("vip"),
      topics: [topic],
      sendTimeout: PATIENCE,
      vipChannel: true,
      dialer: watching.dialer,
      logger: silentLogger,
      transactionListener: {
        executeLocalTransaction: (_message, state) => state,
        checkLocalTransaction: () => Commit,
      },
    });
    await producer.start();
    const results = [
      await producer.sendMessageInTransaction({ topic, body: "at once" }, Commit),
      await producer.sendMessageInTransaction({ topic, body: "asked" }, Unknown),
    ];
    const { messageId } = await producer.send({ topic, body: "plain", keys: "k" });
    const visible = async () => (await consumer.visibleMessages(topic)).map((it) => it.messageId);
    assert(await eventually(async () => (await visible()).length >= 3, PATIENCE, 200));
    assertEquals(
      (await visible()).sort(),
      [...results.map((it) => it.transactionId), messageId].sort(),
    );
    assertEquals(results[0]!.endTransaction, "confirmed");
    assert(
      await eventually(
        async () => (await producer.queryMessages({ topic, key: "k" })).length === 1,
        PATIENCE,
        200,
      ),
    );

    const { SEND_MESSAGE_V2, END_TRANSACTION, HEART_BEAT } = RequestCode;
    const portOf = (address: string) => Number(address.split(":")[1]);
    for (const { address } of brokers) {
      const vip = `127.0.0.1:${portOf(address) - 2}`;
      const own = new Set(watching.codesTo(address));
      assert(own.has(HEART_BEAT) && !own.has(SEND_MESSAGE_V2));
      const codes = new Set(watching.codesTo(vip));
      assertFalse(codes.has(HEART_BEAT) || codes.has(END_TRANSACTION));
    }
    const all = watching.dialled.flatMap((address) => watching.codesTo(address));
    assert(all.includes(SEND_MESSAGE_V2) && all.includes(END_TRANSACTION));
  },
);
