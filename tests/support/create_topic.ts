import { createCreateTopicRequest, readCreateTopicResponse } from "../../src/requests/mod.ts";
import { TestClient } from "./test_client.ts";

/**
 * Makes a topic on each of the brokers, which tell the name servers at once.
 *
 * @param attributes For instance `{ "message.type": "TRANSACTION" }`: a proxy takes nothing else then.
 * @param admin Who asks, where brokers want to know.
 */
export async function createTopic(
  topic: string,
  brokers: readonly { readonly address: string }[],
  attributes: Readonly<Record<string, string>> = {},
  admin?: TestClient,
): Promise<void> {
  await using own = new TestClient("");
  const client = admin ?? own;
  for (const { address } of brokers) {
    const response = await client.request(address, createCreateTopicRequest({ topic, attributes }));
    readCreateTopicResponse(response, { address, topic });
  }
}
