import type { MessageQueue } from "../message/mod.ts";
import type { RemotingCommand } from "../remoting/mod.ts";
import { defineHeader } from "./header.ts";
import { JsonValue } from "./json_body.ts";
import { readByQueue, stringifyByQueue } from "./object_keys.ts";
import type { ResponseContext } from "./response.ts";

/*
  What an operator asks of members of a consumer group. A broker passes it on.

  INVOKE_BROKER_TO_RESET_OFFSET (222), to a broker

  request  = topic:string group:string timestamp:long (-1: the end) [isForce:boolean] [queueId:int]
  response = code 0, body: as that of 220

  RESET_CONSUMER_CLIENT_OFFSET (220), one-way

  request  = topic:string group:string timestamp:long isForce:boolean [queueId:int]
             body: JSON { offsetTable: { {queue}: offset } }

  GET_CONSUMER_STATUS_FROM_CLIENT (221)

  request  = topic:string group:string
  response = code 0, body: JSON { consumerTable: {}, messageQueueTable: { {queue}: offset } }

  GET_CONSUMER_RUNNING_INFO (307)

  request  = consumerGroup:string clientId:string [jstackEnable:boolean]
  response = code 0, body: JSON { properties, subscriptionSet, mqTable: { {queue}: { … } }, statusTable }

  CONSUME_MESSAGE_DIRECTLY (309)

  request  = consumerGroup:string clientId:string msgId:string brokerName:string [topic:string]
             body: one stored message
  response = code 0, body: JSON { order, autoCommit, consumeResult, remark?, spentTimeMills }
*/

/** The header of a reset, and of a question about offsets. */
export const groupTopicHeader = defineHeader("request about a group's offsets", {
  topic: "string",
  group: "string",
});

/** The header of an operator's request to reset offsets (222), and of what a broker tells of it (220). */
export const resetOffsetHeader = defineHeader("reset of a group's offsets", {
  topic: "string",
  group: "string",
  timestamp: "long",
  isForce: "boolean?",
  queueId: "int?",
  offset: "long?",
});

/** The header of a question about a member, and of a message to consume. */
export const groupMemberHeader = defineHeader("request to a member of a group", {
  consumerGroup: "string",
  clientId: "string?",
  msgId: "string?",
  brokerName: "string?",
});

/** A queue and an offset of a group in it. */
export interface QueueOffset {
  readonly queue: MessageQueue;
  readonly offset: bigint;
}

/** Reads where an operator wants a group to go on. @throws {ProtocolError} when the body is malformed. */
export function readResetRequest(
  { body }: RemotingCommand,
  context: ResponseContext,
): QueueOffset[] {
  const what = "offsets to go on at";
  const table = JsonValue.parse(body, what, context).member("offsetTable");
  const max = Number.MAX_SAFE_INTEGER;
  return readByQueue(table, what, context, (value) => BigInt(value.integer(0, max)))
    .map(({ queue, value }) => ({ queue, offset: value }));
}

/** Writes the body of a reset. */
export function encodeReset(offsets: readonly QueueOffset[]): Uint8Array {
  return new TextEncoder().encode(`{"offsetTable":${encodeOffsets(offsets)}}`);
}

/** Writes the offsets of a member, as the answer to a question about them. */
export function encodeConsumerStatus(offsets: readonly QueueOffset[]): Uint8Array {
  const table = encodeOffsets(offsets);
  return new TextEncoder().encode(`{"consumerTable":{},"messageQueueTable":${table}}`);
}

function encodeOffsets(offsets: readonly QueueOffset[]): string {
  return stringifyByQueue(offsets.map(({ queue, offset }) => [queue, String(offset)] as const));
}

/** What a member tells of a queue. */
export interface QueueInfo {
  readonly queue: MessageQueue;
  readonly commitOffset: bigint;
  readonly cachedMessages: number;
  readonly isLocked: boolean;
}

/** What a member tells of itself. */
export interface RunningInfo {
  readonly properties: Readonly<Record<string, string>>;
  /** Its subscriptions, as heartbeats have them. */
  readonly subscriptions: readonly Record<string, unknown>[];
  readonly queues: readonly QueueInfo[];
}

/** Writes what a member tells of itself. */
export function encodeRunningInfo({ properties, subscriptions, queues }: RunningInfo): Uint8Array {
  const table = stringifyByQueue(queues.map(({ queue, ...info }) =>
    [
      queue,
      `{"cachedMsgCount":${info.cachedMessages},"commitOffset":${info.commitOffset},` +
      `"droped":false,"locked":${info.isLocked}}`,
    ] as const
  ));
  const rest = JSON.stringify({ properties, statusTable: {}, subscriptionSet: subscriptions });
  return new TextEncoder().encode(`{"mqPopTable":{},"mqTable":${table},${rest.slice(1)}`);
}

/** What became of a message that an operator had a member consume. */
export interface DirectResult {
  readonly order: boolean;
  readonly autoCommit: boolean;
  readonly consumeResult: "CR_SUCCESS" | "CR_LATER" | "CR_THROW_EXCEPTION";
  readonly remark?: string;
  readonly spentTimeMills: number;
}

/** Writes what became of a message that an operator had a member consume. */
export function encodeDirectResult(result: DirectResult): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(result));
}
