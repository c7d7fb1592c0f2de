import { assertEquals } from "@std/assert";
import {
  createQueryConsumerOffsetRequest,
  readQueryConsumerOffsetResponse,
} from "../../src/requests/mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { canRunJava, runJava } from "../support/java_program.ts";
import { launcherTest } from "../support/real_broker.ts";
import { TestClient } from "../support/test_client.ts";

const SOURCE = new URL("java/OfficialClient.java", import.meta.url).pathname;
const TOPIC = "OfficialTopic";
/** The messages that a consumer gets, by key, with their tags. */
const VISIBLE: Readonly<Record<string, string>> = {
  "async": "tagD",
  "batch1": "tagC",
  "batch2": "tagC",
  "commit": "tagA",
  "large": "tagB",
  "oneway": "tagD",
  "single": "tagB",
  "unknown-commit": "tagA",
  "unknown-unknown-commit": "tagA",
};
const KEYS = Object.keys(VISIBLE);

if (canRunJava()) {
  launcherTest("EmbeddedBroker - the official Java client works on it", async () => {
    await using broker = await EmbeddedBroker.start({
      transactionTimeout: 1_000,
      transactionCheckInterval: 1_000,
    });
    const lines = await runJava(SOURCE, [broker.nameServer, TOPIC]);
    const of = (kind: string) =>
      lines.filter((line) => line[0] === kind).map((line) => line.slice(1));

    const ids = new Map(of("half").map(([key, , , id]) => [key!, id!]));
    assertEquals(of("half").map(([key, status, state]) => [key, status, state]), [
      ["commit", "SEND_OK", "COMMIT_MESSAGE"],
      ["rollback", "SEND_OK", "ROLLBACK_MESSAGE"],
      ["unknown-commit", "SEND_OK", "UNKNOW"],
      ["unknown-rollback", "SEND_OK", "UNKNOW"],
      ["unknown-unknown-commit", "SEND_OK", "UNKNOW"],
    ]);
    assertEquals(of("send").map(([key, status]) => [key, status]), [
      ["single", "SEND_OK"],
      ["large", "SEND_OK"],
      ["batch", "SEND_OK"],
      ["async", "SEND_OK"],
    ]);
    assertEquals(of("check").sort(byText), [
      ["unknown-commit", "1", TOPIC, ids.get("unknown-commit")!],
      ["unknown-rollback", "1", TOPIC, ids.get("unknown-rollback")!],
      ["unknown-unknown-commit", "1", TOPIC, ids.get("unknown-unknown-commit")!],
      ["unknown-unknown-commit", "2", TOPIC, ids.get("unknown-unknown-commit")!],
    ]);
    assertEquals(of("query"), [["1", "single"]]);
    assertEquals(of("view"), [["single"]]);
    assertEquals(of("queues"), [["3"]]);
    assertEquals(
      of("lite").sort(byText),
      KEYS.map((key) => [
        ...[key, VISIBLE[key]!, key === "large" ? "5000" : `body of ${key}`, "true"],
      ]),
    );
    assertEquals(of("push").map(([key]) => key).sort(), ["batch1", "batch2", "large", "single"]);
    assertEquals(of("pulled"), [[String(KEYS.length)]]);
    assertEquals(lines.at(-1), ["done"]);

    const messages = await broker.messages(TOPIC);
    assertEquals(messages.flatMap(({ keys }) => keys).sort(), KEYS);
    assertEquals(await broker.halfMessages(), []);
    const { commits, rollbacks, checks, giveUps, refusedVerdicts } = broker.stats();
    assertEquals(
      { commits, rollbacks, checks, giveUps, refusedVerdicts },
      { commits: 3, rollbacks: 2, checks: 4, giveUps: 0, refusedVerdicts: 0 },
    );
    assertEquals(await committedOffsets(broker), KEYS.length);
  });
}

/** How far the official lite consumer says it has read, over all queues. */
async function committedOffsets(broker: EmbeddedBroker): Promise<number> {
  await using client = new TestClient(broker.nameServer);
  const { address } = broker.brokers[0]!;
  let sum = 0n;
  for (let queueId = 0; queueId < 4; queueId++) {
    const header = { consumerGroup: "official_lite", topic: TOPIC, queueId };
    const response = await client.request(address, createQueryConsumerOffsetRequest(header));
    sum += readQueryConsumerOffsetResponse(response, { address }) ?? 0n;
  }
  return Number(sum);
}

function byText(a: readonly string[], b: readonly string[]): number {
  return a.join("|") < b.join("|") ? -1 : 1;
}
