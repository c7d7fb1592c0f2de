import { TestClient } from "./test_client.ts";

/**
 * Tells every message of `topic` that a consumer would get, in the order of their queues, a line
 * each. Rolled back and undecided ones are not among them.
 */
export async function describeVisibleMessages(
  nameServers: string,
  topic: string,
): Promise<string[]> {
  await using client = new TestClient(nameServers);
  const messages = await client.visibleMessages(topic);
  return [
    `A consumer of ${topic} sees ${messages.length} messages:`,
    ...messages.map((message) =>
      `  ${message.keys.join(" ")}  "${new TextDecoder().decode(message.body)}"  ` +
      `tag=${message.tags ?? ""}  queue=${message.queueId}  transactionId=${message.transactionId}`
    ),
  ];
}
