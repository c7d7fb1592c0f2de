import { createReply, type MessageExt, Producer } from "../../mod.ts";
import type { EmbeddedBroker } from "../../src/testing/mod.ts";
import { eventually } from "../support/progress.ts";

/** Answers the request messages of a topic until it is disposed of. */
export async function answerRequests(
  broker: EmbeddedBroker,
  topic: string,
): Promise<AsyncDisposable> {
  const producer = new Producer({ nameServers: broker.nameServer, producerGroup: "answers" });
  await producer.start();
  const events = broker.events();
  const answered = new Set((await broker.messages(topic)).map(({ messageId }) => messageId));
  const answering = (async () => {
    for await (const event of events) {
      if (event.type !== "messageStored" || event.topic !== topic) continue;
      for (const request of await broker.messages(topic)) {
        if (answered.has(request.messageId)) continue;
        answered.add(request.messageId);
        await producer.send(createReply(request, "pong"));
      }
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      await events.return?.();
      await answering;
      await producer.shutdown();
    },
  };
}

/** Sends a request, has `answer` reply to it, and gives the body of the reply. */
export async function askOnce(
  broker: EmbeddedBroker,
  producer: Producer,
  answer: (request: MessageExt) => Promise<void>,
): Promise<string> {
  const asking = producer.request({ topic: "questions", body: "ping" }, { timeout: 5_000 });
  let request: MessageExt | undefined;
  await eventually(async () => {
    [request] = await broker.messages("questions");
    return request !== undefined;
  }, 5_000);
  await answer(request!);
  return new TextDecoder().decode((await asking).body);
}
