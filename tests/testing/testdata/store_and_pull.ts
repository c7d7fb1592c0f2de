import { systemClock } from "../../../src/clock.ts";
import { decodeStoredMessages } from "../../../src/message/mod.ts";
import { createPullMessageRequest, readPullMessageResponse } from "../../../src/requests/mod.ts";
import { parseAddress } from "../../../src/route/mod.ts";
import { EmbeddedBroker } from "../../../src/testing/mod.ts";
import { connect, dialTcp } from "../../../src/transport/mod.ts";
import { propertyString, sendHeader, uniqueKey } from "../../conformance/steps.ts";
import { createSendMessageRequest } from "../../support/requests.ts";
import { silentWarnings } from "../../support/test_client.ts";

const MESSAGES = 100_000;
const BODY = new Uint8Array(1_000);
const AT_ONCE = 500;

/** Bytes that this process uses and that can't be freed; buffers are freed behind a collection. */
async function usedBytes(): Promise<number> {
  for (let round = 0; round < 5; round++) {
    (globalThis as unknown as { gc(): void }).gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

await using broker = await EmbeddedBroker.start();
const { address } = broker.brokers[0]!;
const connection = await connect({
  ...parseAddress(address),
  ...{ address, dialer: dialTcp, clock: systemClock, warnings: silentWarnings, timeout: 3_000 },
});
const ask = (request: Parameters<typeof connection.request>[0]) =>
  connection.request(request, { timeout: 30_000 });

async function send(): Promise<void> {
  const properties = propertyString({ UNIQ_KEY: uniqueKey(), KEYS: "order-1" });
  const header = sendHeader({ topic: "T", properties, defaultTopicQueueNums: 1 });
  const { code } = await ask(createSendMessageRequest(header, BODY));
  if (code !== 0) throw new Error(`Cannot send: ${code}`);
}

async function pullAll(): Promise<number> {
  let count = 0;
  for (let queueOffset = 0n;;) {
    const fields = { consumerGroup: "c", topic: "T", queueId: 0, queueOffset };
    const response = await ask(createPullMessageRequest(fields));
    if (response.code !== 0) return count;
    count += decodeStoredMessages(response.body).length;
    queueOffset = readPullMessageResponse(response, { address }).nextBeginOffset;
  }
}

// Once through, so that what is compiled and kept for ever is there before it is measured.
for (let sent = 0; sent < AT_ONCE; sent++) await send();
await pullAll();
const storedBefore = broker.stats().storedBytes, usedBefore = await usedBytes();
for (let sent = 0; sent < MESSAGES; sent += AT_ONCE) {
  await Promise.all(Array.from({ length: AT_ONCE }, send));
}
const pulled = await pullAll();
const stored = broker.stats().storedBytes - storedBefore, used = await usedBytes() - usedBefore;
connection.close();
// deno-lint-ignore no-console
console.log(JSON.stringify({ pulled: pulled - AT_ONCE, stored, used }));
