import { createCreateTopicRequest, readCreateTopicResponse } from "../../src/requests/mod.ts";
import { TestClient } from "./test_client.ts";

/**
 * Makes a topic on each of the brokers, which tell the name servers at once.
 *
 * @param attributes For instance `{ "message.type": "TRANSACTION" }`: a proxy takes nothing else then.
 */
export async function createTopic(
  topic: string,
  brokers: readonly { readonly address: string }[],
  attributes: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (const { address } of brokers) {
    await using client = new TestClient(address);
    const response = await client.request(address, createCreateTopicRequest({ topic, attributes }));
    readCreateTopicResponse(response, { address, topic });
  }
}
