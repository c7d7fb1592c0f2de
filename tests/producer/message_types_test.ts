import { assertRejects } from "@std/assert";
import {
  type DelayableMessage,
  InvalidArgumentError,
  type Message,
  type Producer,
} from "../../mod.ts";
import { ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";

const single = [
  { topic: TOPIC, body: "b", delayLevel: 1 },
  { topic: TOPIC, body: "b", delay: 1_000 },
  { topic: TOPIC, body: "b", deliverAt: new Date() },
  { topic: TOPIC, body: "b", priority: 1 },
  { topic: TOPIC, body: "b", liteTopic: "lite" },
] as const satisfies readonly DelayableMessage[];

// What only a single message can be does not fit the type of what goes into a batch or a transaction.
const fits: (typeof single)[number] extends Message ? true : false = false;
const fitsTheOthers: Message extends Parameters<Producer["send"]>[0] ? true : false = true;

Deno.test("Message - what only a single message can be is refused elsewhere, by type and when it is sent", async () => {
  await using cluster = new ScriptedCluster();
  const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" });
  for (const message of single) {
    const untyped = message as unknown as Message;
    for (
      const send of [
        () => producer.sendMessageInTransaction(untyped),
        () => producer.transaction(untyped, () => {}),
        () => producer.begin(untyped),
        () => producer.sendBatch([untyped]),
      ]
    ) await assertRejects(send, InvalidArgumentError);
    await producer.send(message);
  }
  if (fits || !fitsTheOthers) throw new Error("the types do not say so");
});
