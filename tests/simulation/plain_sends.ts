import type { Message, Producer } from "../../mod.ts";
import type { PlannedSend } from "./plan.ts";
import type { MemberWorld } from "./process.ts";
import { TOPIC } from "./world/context.ts";

/** Milliseconds for a plain send, its tries included. */
const TIMEOUT = 3_000;

/** Messages of a batch. */
const BATCH = 3;

/** Sends plain messages in the way that is planned, and tells how that settled. */
export function sendPlain(
  producer: Producer,
  { tell }: MemberWorld,
  member: string,
  { name, how }: PlannedSend,
): void {
  tell({ type: "plainCalled", member, name, how, timeout: TIMEOUT });
  send(producer, name, how).then(
    () => tell({ type: "plainSettled", member, name, outcome: "sent" }),
    (error) =>
      tell({
        type: "plainSettled",
        member,
        name,
        outcome: "failed",
        reason: (error as Error).name,
      }),
  );
}

async function send(producer: Producer, name: string, how: PlannedSend["how"]): Promise<unknown> {
  const message: Message = { topic: TOPIC, body: `note ${name}`, keys: name };
  const options = { timeout: TIMEOUT };
  switch (how) {
    case "single":
      return await producer.send(message, options);
    case "oneway":
      return await producer.sendOneway(message, options);
    case "batch":
      return await producer.sendBatch(Array.from({ length: BATCH }, () => message), options);
  }
}
