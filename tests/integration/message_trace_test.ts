import { assert, assertEquals } from "@std/assert";
import { type MessageExt, TransactionProducer } from "../../mod.ts";
import { canRunJava, runJava } from "../support/java_program.ts";
import { eventually } from "../support/progress.ts";
import { clusterTest } from "../support/real_broker.ts";
import { silentLogger, TestClient } from "../support/test_client.ts";

const DECODER = new URL("java/TraceDecoder.java", import.meta.url).pathname;
const TOPIC = "Traced";
const GROUP = "traced-group";

if (canRunJava()) {
  clusterTest(
    "messageTrace - the official decoder reads sends, verdicts and recalls from the topic of the system",
    { brokerConfig: { traceTopicEnable: "true", recallMessageEnable: "true" } },
    async ({ nameServers, brokers }) => {
      await using consumer = new TestClient(nameServers);
      await using producer = new TransactionProducer<"COMMIT" | "ROLLBACK" | "UNKNOWN">({
        nameServers,
        producerGroup: GROUP,
        topics: [TOPIC],
        sendTimeout: 30_000,
        logger: silentLogger,
        messageTrace: true,
        transactionListener: {
          executeLocalTransaction: (_message, state) => state,
          checkLocalTransaction: () => "ROLLBACK",
        },
      });
      await producer.start();
      const startedAt = Date.now();
      const message = { topic: TOPIC, body: "b", tags: "TagA", keys: ["k1", "ключ"] };
      const normal = await producer.send({ topic: TOPIC, body: "twelve bytes" });
      const delayed = await producer.send({ topic: TOPIC, body: "later", delay: 60_000 });
      await producer.recall({ topic: TOPIC, recallHandle: delayed.recallHandle! });
      const batch = await producer.sendBatch([message, { topic: TOPIC, body: "second" }]);
      const commit = await producer.sendMessageInTransaction(message, "COMMIT");
      const open = await producer.sendMessageInTransaction(message, "UNKNOWN");
      assert(await eventually(() => producer.stats().answeredChecks > 0, 60_000, 100));
      await producer.shutdown();
      assertEquals(producer.stats().droppedTraces, 0);

      const messages = await consumer.visibleMessages("RMQ_SYS_TRACE_TOPIC");
      const traces = await decode(messages);
      for (const { timestamp } of traces) {
        assert(Number(timestamp) >= startedAt && Number(timestamp) <= Date.now(), timestamp);
      }
      const broker = brokers[0]!.address;
      const [first, second] = batch.messages;
      const pub = (id: string, offsetId: string, size: number, type: string) =>
        `Pub|${id}|null|null|${offsetId}|${size}|${type}|true|null|null|false|${broker}`;
      const tagged = (text: string) => text.replace("|null|null|", "|TagA|k1 ключ|");
      const end = (id: string, state: string, fromCheck: boolean) =>
        `EndTransaction|${id}|TagA|k1 ключ||0|Trans_msg_Commit|true|${id}|${state}|${fromCheck}|${broker}`;
      const expected = [
        pub(normal.messageId, normal.offsetMessageId, 12, "Normal_Msg"),
        pub(delayed.messageId, delayed.offsetMessageId, 5, "Delay_Msg"),
        `Recall|${delayed.messageId}||||0|null|true|null|null|false|`,
        tagged(pub(first!.messageId, first!.offsetMessageId, 1, "Normal_Msg")),
        pub(second!.messageId, second!.offsetMessageId, 6, "Normal_Msg"),
        tagged(pub(commit.messageId, commit.offsetMessageId, 1, "Trans_Msg_Half")),
        end(commit.messageId, "COMMIT_MESSAGE", false),
        tagged(pub(open.messageId, open.offsetMessageId, 1, "Trans_Msg_Half")),
        end(open.messageId, "UNKNOW", false),
        end(open.messageId, "ROLLBACK_MESSAGE", true),
      ];
      assertEquals(traces.map(({ rest }) => rest).sort(), expected.sort());
      const keys = new Set(messages.flatMap((trace) => trace.keys));
      for (const key of ["k1", "ключ", normal.messageId, second!.messageId]) {
        assert(keys.has(key), `traces are found by ${key}`);
      }
    },
  );
}

/** Has the official decoder read the bodies of trace messages. */
async function decode(
  messages: readonly MessageExt[],
): Promise<{ timestamp: string; rest: string }[]> {
  const file = await Deno.makeTempFile({ prefix: "traces-" });
  try {
    const bodies = messages.map(({ body }) => btoa(String.fromCharCode(...body)));
    await Deno.writeTextFile(file, bodies.join("\n"));
    const lines = await runJava(DECODER, [file]);
    return lines.map(([, type, timestamp, regionId, group, topic, ...rest]) => {
      assertEquals([regionId, group, topic], ["DefaultRegion", GROUP, TOPIC]);
      return { timestamp: timestamp!, rest: [type, ...rest].join("|") };
    });
  } finally {
    await Deno.remove(file);
  }
}
