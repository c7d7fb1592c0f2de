import { assertEquals, assertRejects } from "@std/assert";
import { InvalidArgumentError } from "../../src/errors.ts";
import type { Message } from "../../src/message/mod.ts";
import { TOPIC } from "../support/scripted_cluster.ts";

/** A message with nothing special. */
export function message(fields: Record<string, unknown> = {}): Message {
  return { topic: TOPIC, body: "Hello RocketMQ", ...fields };
}

/** Asserts that a message is refused before anything is sent, and what is told. */
export async function assertRefused(
  send: () => Promise<unknown>,
  ...parts: string[]
): Promise<InvalidArgumentError> {
  const error = await assertRejects(send, InvalidArgumentError, "Cannot ");
  assertEquals(error.code, "INVALID_ARGUMENT");
  for (const part of parts) {
    if (!error.message.includes(part)) throw new Error(`"${part}" is not in: ${error.message}`);
  }
  return error;
}
