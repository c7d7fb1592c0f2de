import { print } from "./progress.ts";
import { TestClient } from "./test_client.ts";

/**
 * Prints every message of `topic` that a consumer would get, in the order of their queues. Rolled
 * back and undecided ones are not among them.
 */
export async function printVisibleMessages(nameServers: string, topic: string): Promise<void> {
  await using client = new TestClient(nameServers);
  const messages = await client.visibleMessages(topic);
  print(`\nA consumer of ${topic} sees ${messages.length} messages:`);
  for (const message of messages) {
    print(
      `  ${message.keys.join(" ")}  "${new TextDecoder().decode(message.body)}"  ` +
        `tag=${
          message.tags ?? ""
        }  queue=${message.queueId}  transactionId=${message.transactionId}`,
    );
  }
}
