import { assert, assertEquals, assertGreater } from "@std/assert";
import { TransactionProducer } from "../../../mod.ts";
import { createTopic } from "../../support/create_topic.ts";
import { eventually } from "../../support/progress.ts";
import { silentLogger, TestClient } from "../../support/test_client.ts";
import type { ServerUnderTest } from "./server_under_test.ts";

/** Transactions that each member sends; half of them are to be committed. */
const COUNT = 20;

/** Milliseconds in which a member starts, sends, and is checked back about. */
const START = 120_000;

/** A member of the group that uses another client. It leaves what it sends undecided. */
export interface ForeignMember {
  /** Its language, with which the bodies of its messages begin. */
  name: string;
  /**
   * Runs it until it hears nothing new for a while.
   *
   * @returns what happened to it: `sent`, id and tag, or `check` and id.
   */
  run(
    args: [nameServers: string, topic: string, group: string, count: string],
  ): Promise<string[][]>;
}

/** Members that use other clients and one of ours answer each other's check-backs, by the tag. */
export async function answerEachOther(
  { nameServers, brokers, uniqueName }: Omit<ServerUnderTest, "release" | "serializeType">,
  foreign: readonly ForeignMember[],
): Promise<void> {
  const topic = uniqueName("Mixed"), producerGroup = uniqueName("mixed");
  await createTopic(topic, brokers, { "message.type": "TRANSACTION" });
  const committed = new Set<string>(), askedHere = new Set<string>();
  const sentBy = new Map<string, Set<string>>(), askedBy = new Map([["ours", askedHere]]);
  const heardOf = new Set<string>();
  const note = (name: string, id: string, tags: string) => {
    if (!sentBy.has(name)) sentBy.set(name, new Set());
    sentBy.get(name)!.add(id);
    if (tags === "commit") committed.add(id);
  };
  await using consumer = new TestClient(nameServers);
  await using producer = new TransactionProducer({
    ...{ nameServers, producerGroup, topics: [topic], logger: silentLogger },
    transactionListener: {
      executeLocalTransaction: () => "UNKNOWN",
      checkLocalTransaction({ tags, body }, { transactionId }) {
        askedHere.add(transactionId);
        heardOf.add(new TextDecoder().decode(body).split(" ")[0]!);
        return tags === "commit" ? "COMMIT" : "ROLLBACK";
      },
    },
  });
  await producer.start();
  const running = foreign.map(async ({ name, run }) => {
    const lines = await run([nameServers, topic, producerGroup, String(COUNT)]);
    askedBy.set(name, new Set(lines.flatMap(([kind, id]) => kind === "check" ? [id!] : [])));
    for (const [kind, id, tags] of lines) if (kind === "sent") note(name, id!, tags!);
  });
  const ended = Promise.all(running);
  ended.catch(() => {});
  const areThere = () => foreign.every(({ name }) => heardOf.has(name));
  assert(
    await Promise.race([eventually(areThere, START), ended.then(() => true)]),
    "a member was not checked back about here",
  );
  for (let i = 0; i < COUNT; i++) {
    const tags = i % 2 === 0 ? "commit" : "rollback";
    const sent = await producer.sendMessageInTransaction({ topic, body: `ours ${i}`, tags });
    note("ours", sent.transactionId, tags);
  }
  await ended;

  assertEquals(sentBy.size, foreign.length + 1);
  for (const ids of sentBy.values()) assertEquals(ids.size, COUNT);
  for (const { name } of foreign) {
    const answered = (by: string, of: string) =>
      [...askedBy.get(by)!].filter((id) => sentBy.get(of)!.has(id)).length;
    assertGreater(answered(name, "ours"), 0, `the member in ${name} answered none of ours`);
    assertGreater(answered("ours", name), 0, `ours answered none of the member in ${name}`);
  }
  const visible = async () => (await consumer.visibleMessages(topic)).map((it) => it.messageId);
  const isSettled = async () => new Set(await visible()).size >= committed.size;
  assert(await eventually(isSettled, 60_000, 200));
  assertEquals(new Set(await visible()), committed);
}
