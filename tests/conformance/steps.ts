import { decodeMessages, type MessageExt, parseOffsetMessageId } from "../../src/message/mod.ts";
import type { RemotingCommand } from "../../src/remoting/mod.ts";
import {
  type CommitOrRollback,
  createGetMaxOffsetRequest,
  createHeartbeatRequest,
  createPullMessageRequest,
  createQueryMessageRequest,
  createViewMessageRequest,
  type EndTransactionHeader,
  readCheckTransactionStateRequest,
  readGetMaxOffsetResponse,
  readPullMessageResponse,
  readQueryMessageResponse,
  readSendMessageResponse,
  readViewMessageResponse,
  type SendMessageHeader,
} from "../../src/requests/mod.ts";
import { utf8 } from "../remoting/frames.ts";
import { createEndTransactionRequest, createSendMessageRequest } from "../support/requests.ts";
import type { Peer } from "./peer.ts";

/** What answers are read with; its address only shows in errors. */
export const CONTEXT = { address: "127.0.0.1:1" };

/** Queues of the topics that cases make by sending to them. */
export const QUEUES = 2;

/** A name for a topic or group that nothing else uses. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${crypto.randomUUID().slice(0, 13)}`;
}

/** A unique key that nothing else uses. */
export function uniqueKey(): string {
  return crypto.randomUUID().replaceAll("-", "").toUpperCase();
}

/** The property string of an object, written out here on purpose. */
export function propertyString(properties: Record<string, string>): string {
  return Object.entries(properties).map(([name, value]) => `${name}\u0001${value}\u0002`).join("");
}

/** The header of a send; `fields` says what matters. */
export function sendHeader(
  fields: Partial<SendMessageHeader> & { topic: string },
): SendMessageHeader {
  return {
    producerGroup: "conformance",
    defaultTopic: "TBW102",
    defaultTopicQueueNums: QUEUES,
    queueId: 0,
    sysFlag: 0,
    bornTimestamp: BigInt(Date.now()),
    flag: 0,
    properties: "",
    reconsumeTimes: 0,
    unitMode: false,
    batch: false,
    ...fields,
  };
}

/** Sends a message and gives the response. */
export function send(
  peer: Peer,
  fields: Partial<SendMessageHeader> & { topic: string },
  body: Uint8Array | string = "body",
): Promise<RemotingCommand> {
  const bytes = typeof body === "string" ? utf8(body) : body;
  return peer.ask(createSendMessageRequest(sendHeader(fields), bytes));
}

/** A half message as its verdict names it. */
export interface HalfHandle {
  /** Group that may decide. */
  group: string;
  /** Topic that it is meant for. */
  topic: string;
  /** Its unique key. */
  transactionId: string;
  /** Its offset in the half topic. */
  queueOffset: bigint;
  /** Its position in the log. */
  commitLogOffset: bigint;
  /** Milliseconds since 1970 of the producer. */
  bornTimestamp: number;
}

/** Sends a half message and gives its handle. */
export async function sendHalf(peer: Peer, options: {
  topic: string;
  group: string;
  properties?: Record<string, string>;
  body?: Uint8Array | string;
  fields?: Partial<SendMessageHeader>;
}): Promise<HalfHandle> {
  const { topic, group, properties = {}, body, fields = {} } = options;
  const transactionId = uniqueKey(), bornTimestamp = Date.now();
  const response = await send(peer, {
    topic,
    sysFlag: 4,
    bornTimestamp: BigInt(bornTimestamp),
    properties: propertyString({
      UNIQ_KEY: transactionId,
      TRAN_MSG: "true",
      PGROUP: group,
      WAIT: "true",
      ...properties,
    }),
    ...fields,
  }, body);
  const { offsetMessageId, queueOffset } = readSendMessageResponse(response, CONTEXT);
  const { offset } = parseOffsetMessageId(offsetMessageId);
  return { group, topic, transactionId, queueOffset, commitLogOffset: offset, bornTimestamp };
}

/** The header of a verdict over a half message; `fields` says what is to be different. */
export function verdictHeader(
  half: HalfHandle,
  verdict: CommitOrRollback,
  fields: Partial<EndTransactionHeader> = {},
): EndTransactionHeader & { commitOrRollback: CommitOrRollback } {
  return {
    producerGroup: half.group,
    tranStateTableOffset: half.queueOffset,
    commitLogOffset: half.commitLogOffset,
    fromTransactionCheck: false,
    msgId: half.transactionId,
    transactionId: half.transactionId,
    ...fields,
    commitOrRollback: verdict,
  };
}

/** Gives a verdict over a half message and waits for the answer. */
export function decide(
  peer: Peer,
  half: HalfHandle,
  verdict: CommitOrRollback,
  fields: Partial<EndTransactionHeader> = {},
): Promise<RemotingCommand> {
  return peer.ask(createEndTransactionRequest(verdictHeader(half, verdict, fields)));
}

/** Registers a connection as one of a producer group. */
export function register(peer: Peer, group: string): Promise<RemotingCommand> {
  const clientId = uniqueName("127.0.0.1@conformance");
  return peer.ask(createHeartbeatRequest({ clientId, producerGroups: [group] }));
}

/** A check-back that came, and the half message as it names it. */
export interface CheckBack {
  /** As it came. */
  request: RemotingCommand;
  /** How the verdict has to name the half message now. */
  half: HalfHandle;
  /** The message in it. */
  message: MessageExt;
}

/** Takes the next check-back for a half message. */
export async function takeCheck(peer: Peer, half: HalfHandle): Promise<CheckBack> {
  return await readCheck(await peer.take((request) => isCheckOf(request, half)), half);
}

/** Takes the next check-back for a half message if one comes within `timeout` milliseconds. */
export async function takeCheckBriefly(
  peer: Peer,
  half: HalfHandle,
  timeout: number,
): Promise<CheckBack | undefined> {
  const request = await peer.takeBriefly((it) => isCheckOf(it, half), timeout);
  return request && await readCheck(request, half);
}

function isCheckOf({ code, extFields }: RemotingCommand, half: HalfHandle): boolean {
  return code === 39 && extFields.transactionId === half.transactionId;
}

async function readCheck(request: RemotingCommand, half: HalfHandle): Promise<CheckBack> {
  const { tranStateTableOffset, commitLogOffset } = readCheckTransactionStateRequest(request);
  const [message] = await decodeMessages(request.body);
  return {
    request,
    half: { ...half, queueOffset: tranStateTableOffset, commitLogOffset },
    message: message!,
  };
}

/** The end of a queue. */
export async function endOf(peer: Peer, topic: string, queueId: number): Promise<bigint> {
  const response = await peer.ask(createGetMaxOffsetRequest({ topic, queueId }));
  return readGetMaxOffsetResponse(response, CONTEXT);
}

/** Resolves when a queue has `count` messages: a broker tells of a message before it has a place there. */
export async function untilStored(
  peer: Peer,
  topic: string,
  queueId: number,
  count: number,
): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (await endOf(peer, topic, queueId) < count && performance.now() < deadline) await delay(20);
}

/** What consumers of a topic get, queue by queue, as soon as there are `count` or time is up. */
export async function visible(peer: Peer, topic: string, count: number): Promise<MessageExt[]> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    const messages: MessageExt[] = [];
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      messages.push(...await pullAll(peer, topic, queueId));
    }
    if (messages.length >= count || performance.now() > deadline) return messages;
    await delay(50);
  }
}

async function pullAll(peer: Peer, topic: string, queueId: number): Promise<MessageExt[]> {
  const messages: MessageExt[] = [];
  for (let queueOffset = 0n;;) {
    const fields = { consumerGroup: "conformance", topic, queueId, queueOffset };
    const response = await peer.ask(createPullMessageRequest(fields));
    if (response.code !== 0) return messages;
    messages.push(...await decodeMessages(response.body));
    queueOffset = readPullMessageResponse(response, CONTEXT).nextBeginOffset;
  }
}

/** The messages under a unique key in a topic, as soon as there are `count` or time is up. */
export async function findByUniqueKey(
  peer: Peer,
  topic: string,
  key: string,
  count: number,
): Promise<MessageExt[]> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    const response = await peer.ask(createQueryMessageRequest({
      ...{ topic, key, maxNum: 64, uniqueKeyQuery: true },
      beginTimestamp: 0n,
      endTimestamp: 2n ** 63n - 1n,
    }));
    const found = await decodeMessages(readQueryMessageResponse(response, CONTEXT).body);
    if (found.length >= count || performance.now() > deadline) return found;
    await delay(50);
  }
}

/** The record at a position of the log. */
export async function recordAt(peer: Peer, offset: bigint): Promise<MessageExt> {
  const response = await peer.ask(createViewMessageRequest({ offset }));
  const [message] = await decodeMessages(readViewMessageResponse(response, CONTEXT));
  return message!;
}

/** Resolves after `ms` milliseconds. */
export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
