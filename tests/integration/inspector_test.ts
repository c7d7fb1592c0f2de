import { assertEquals } from "@std/assert";
import { LocalTransactionState, TransactionProducer } from "../../mod.ts";
import { EventReader } from "../inspector/event_reader.ts";
import { brokerTest } from "../support/real_broker.ts";
import { createTopic } from "../support/create_topic.ts";
import { Program } from "../support/program.ts";

const MAIN = new URL("../inspector/main.ts", import.meta.url);

brokerTest("deno task inspect - shows the transactions of a real cluster", async (context) => {
  const { nameServers, brokers, uniqueName } = context;
  const topic = uniqueName("orders");
  await createTopic(topic, brokers);
  const { Commit, Unknown } = LocalTransactionState;
  await using producer = new TransactionProducer<LocalTransactionState>({
    nameServers,
    producerGroup: uniqueName("shop"),
    topics: [topic],
    transactionListener: {
      executeLocalTransaction: (_message, state) => state,
      checkLocalTransaction: () => Unknown,
    },
  });
  await producer.start();
  const send = async (state: LocalTransactionState) =>
    (await producer.sendMessageInTransaction({ topic, body: "an order" }, state)).transactionId;
  const paid = await send(Commit), open = await send(Unknown);

  const args = ["--nameserver", nameServers, "--topic", topic];
  await using program = new Program(MAIN, { permissions: ["-A"], args });
  await program.until("its address", () => program.lines.length > 0);
  const [url = ""] = program.stdout.split(" ");
  const states = new Map<string, string>();
  {
    await using reader = await EventReader.open(url);
    const later = await send(Commit);
    while (states.get(paid) !== "visible" || states.get(later) !== "visible") {
      const { data: { changes } } = await reader.nextOf("changes");
      for (const { id, state } of changes) states.set(id, state);
    }
    assertEquals(states.get(open), "open");
    program.signal("SIGINT");
  }
  assertEquals(await program.exit(), 0, program.output);
});
