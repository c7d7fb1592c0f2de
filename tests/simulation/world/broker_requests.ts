import {
  createOffsetMessageId,
  decodeProperties,
  encodeStoredMessage,
  MessageProperty,
} from "../../../src/message/mod.ts";
import { type RemotingCommand, RequestCode, ResponseCode } from "../../../src/remoting/mod.ts";
import {
  CommitOrRollback,
  endTransactionHeader,
  queryMessageHeader,
  sendMessageResponseHeader,
  viewMessageHeader,
} from "../../../src/requests/mod.ts";
import { readSendMessageRequest } from "../../../src/testing/requests.ts";
import { EPOCH } from "../client_clock.ts";
import type { Link } from "../network/link.ts";
import type { Broker } from "./broker.ts";
import { HALF_TOPIC, immunityOf } from "./check_round.ts";
import { isHalf, storePlain } from "./plain_messages.ts";
import type { Content } from "./store.ts";

/** What a broker answers. */
export interface Answer {
  code?: number;
  remark?: string;
  extFields?: Record<string, string>;
  body?: Uint8Array;
}

/** Milliseconds until what was stored is found by its key. */
const INDEX_DELAY = 20;

/** Serves a request; nothing when no answer is to be given. */
export function answerRequest(
  broker: Broker,
  link: Link,
  command: RemotingCommand,
): Answer | undefined {
  switch (command.code) {
    case RequestCode.HEART_BEAT:
      broker.registrations.seen(link, broker.world.scheduler.now);
      return {};
    case RequestCode.UNREGISTER_CLIENT:
      broker.registrations.remove(link);
      return {};
    case RequestCode.SEND_MESSAGE_V2:
    case RequestCode.SEND_BATCH_MESSAGE:
      return storeMessage(broker, command);
    case RequestCode.END_TRANSACTION:
      return endTransaction(broker, link, command);
    case RequestCode.QUERY_MESSAGE:
      return queryMessages(broker, command);
    case RequestCode.VIEW_MESSAGE_BY_ID:
      return viewMessage(broker, command);
    default:
      return {
        code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
        remark: ` request type ${command.code} not supported`,
      };
  }
}

function storeMessage(broker: Broker, command: RemotingCommand): Answer {
  const refusal = refuse(broker.troubles.busyForHalves);
  if (refusal) return refusal;
  const header = readSendMessageRequest(command);
  const properties = decodeProperties(header.properties ?? "");
  return isHalf(properties)
    ? storeHalf(broker, command, header, properties)
    : storePlain(broker, command);
}

function storeHalf(
  broker: Broker,
  command: RemotingCommand,
  header: ReturnType<typeof readSendMessageRequest>,
  properties: Record<string, string>,
): Answer {
  const { troubles, store, world } = broker;
  const id = properties[MessageProperty.UniqueKey]!;
  const content: Content = {
    txn: properties[MessageProperty.Keys]!,
    id,
    group: header.producerGroup,
    topic: header.topic,
    queueId: header.queueId,
    body: command.body,
    properties,
    flag: header.flag,
    sysFlag: header.sysFlag,
    bornTimestamp: Number(header.bornTimestamp),
  };
  const half = store.putHalf(content, 0, world.scheduler.now);
  const { queueOffset, logOffset } = half;
  world.tell({
    type: "stored",
    broker: broker.name,
    txn: content.txn,
    handle: { queueOffset, logOffset },
    checks: 0,
  });
  return {
    code: troubles.storeCode,
    extFields: sendMessageResponseHeader.encode({
      msgId: createOffsetMessageId("10.0.1.1", 10911, BigInt(logOffset)),
      queueId: header.queueId,
      queueOffset: BigInt(queueOffset),
      transactionId: id,
    }),
  };
}

function endTransaction(
  broker: Broker,
  link: Link,
  command: RemotingCommand,
): Answer | undefined {
  const { troubles, store, world } = broker;
  const header = endTransactionHeader.decode(command.extFields);
  if (header.commitOrRollback === CommitOrRollback.Unknown) return undefined;
  const refusal = refuse(troubles.busyForVerdicts);
  if (refusal) return refusal;
  const half = store.halfAt(Number(header.commitLogOffset));
  if (half && !header.fromTransactionCheck && isTooLate(broker, half.content)) {
    return { code: ResponseCode.ILLEGAL_OPERATION };
  }
  const wrong = !half
    ? "Find prepared transaction message failed"
    : half.content.group !== header.producerGroup
    ? "The producer group wrong"
    : half.queueOffset !== Number(header.tranStateTableOffset)
    ? "The transaction state table offset wrong"
    : undefined;
  if (!half || wrong !== undefined) {
    return { code: ResponseCode.SYSTEM_ERROR, ...(wrong === undefined ? {} : { remark: wrong }) };
  }
  const { content, queueOffset, logOffset } = half;
  const isCommit = header.commitOrRollback === CommitOrRollback.Commit;
  if (isCommit) store.putVisible(content, logOffset, world.scheduler.now);
  world.tell({
    type: isCommit ? "visible" : "rolledBack",
    broker: broker.name,
    txn: content.txn,
    handle: { queueOffset, logOffset },
    link: link.id,
  });
  broker.mark(queueOffset);
  return {};
}

/** With an immunity time of its own a message takes no verdict after it, but from a check-back. */
function isTooLate({ world: { scheduler, settings } }: Broker, content: Content): boolean {
  const immunity = immunityOf(content);
  if (immunity === undefined) return false;
  return EPOCH + scheduler.now - content.bornTimestamp > Math.max(immunity, settings.timeout);
}

function refuse(busy: number): Answer | undefined {
  if (busy === 0) return undefined;
  return {
    code: ResponseCode.SYSTEM_BUSY,
    remark: "[REJECTREQUEST]system busy, start flow control for a while",
  };
}

function queryMessages(broker: Broker, command: RemotingCommand): Answer {
  const { topic, key, maxNum } = queryMessageHeader.decode(command.extFields);
  const indexed = broker.world.scheduler.now - INDEX_DELAY;
  const found = recordsOf(broker, topic).filter((record) =>
    record.content.id === key && record.storedAt <= indexed
  ).slice(-Math.max(1, maxNum));
  if (found.length === 0) return { code: ResponseCode.QUERY_NOT_FOUND, remark: "can not find" };
  const bodies = found.map((record) => encodeRecord(broker, topic, record));
  const body = new Uint8Array(bodies.reduce((size, bytes) => size + bytes.length, 0));
  let at = 0;
  for (const bytes of bodies) {
    body.set(bytes, at);
    at += bytes.length;
  }
  return { body };
}

function viewMessage(broker: Broker, command: RemotingCommand): Answer {
  const offset = Number(viewMessageHeader.decode(command.extFields).offset);
  for (const topic of [HALF_TOPIC, ""]) {
    const record = recordsOf(broker, topic).find(({ logOffset }) => logOffset === offset);
    if (record) return { body: encodeRecord(broker, topic || record.content.topic, record) };
  }
  return { code: ResponseCode.SYSTEM_ERROR, remark: `can not find message by offset ${offset}` };
}

/** A record of either kind. */
interface StoredRecord {
  readonly content: Content;
  readonly logOffset: number;
  readonly storedAt: number;
  readonly queueOffset?: number;
  readonly preparedOffset?: number;
}

function recordsOf({ store }: Broker, topic: string): readonly StoredRecord[] {
  return topic === HALF_TOPIC ? store.halves : store.visible;
}

function encodeRecord(broker: Broker, topic: string, record: StoredRecord): Uint8Array {
  const { content, logOffset, storedAt, queueOffset = 0, preparedOffset = 0 } = record;
  return encodeStoredMessage({
    ...content,
    topic,
    queueOffset: BigInt(queueOffset),
    commitLogOffset: BigInt(logOffset),
    preparedTransactionOffset: BigInt(preparedOffset),
    storeTimestamp: Math.floor(EPOCH + storedAt),
    storeHost: broker.address,
  });
}
