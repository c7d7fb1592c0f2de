import {
  decodeProperties,
  encodeStoredMessage,
  MessageProperty,
  parseOffsetMessageId,
} from "../../../src/message/mod.ts";
import { type RemotingCommand, RequestCode, ResponseCode } from "../../../src/remoting/mod.ts";
import {
  CommitOrRollback,
  type EndTransactionHeader,
  endTransactionHeader,
  queryConsumerOffsetHeader,
  queryMessageHeader,
  resumeCheckHalfMessageHeader,
  sendMessageResponseHeader,
  viewMessageHeader,
} from "../../../src/requests/mod.ts";
import { readSendMessageRequest } from "../../../src/testing/requests.ts";
import { EPOCH } from "../client_clock.ts";
import type { ServerEnd } from "../network/link.ts";
import type { Broker } from "./broker.ts";
import { DISCARDED_TOPIC, HALF_TOPIC, immunityOf, messageIdOf } from "./check_round.ts";
import { isHalf, storePlain } from "./plain_messages.ts";
import { join, maxOffset, pullMessages } from "./reads.ts";
import type { Content } from "./store.ts";

/** What a broker answers. */
export interface Answer {
  code?: number;
  remark?: string;
  extFields?: Record<string, string>;
  body?: Uint8Array;
}

/** Properties that brokers add to every message. */
const ADDED = { MSG_REGION: "DefaultRegion", TRACE_ON: "true", CLUSTER: "DefaultCluster" } as const;

/** Bits of a `sysFlag` that say how far a transaction has come, and the one of a commit. */
const TRANSACTION_BITS = 12, COMMITTED = 8;

/** The verdicts that there are. */
const VERDICTS: ReadonlySet<number> = new Set(Object.values(CommitOrRollback));

/** What 5.5.0 says where its code sets no answer. */
const NO_REMARK_SET = "not set any response code";

/** Milliseconds until what was stored is found by its key. */
export const INDEX_DELAY = 20;

/** Serves a request; nothing when no answer is to be given. */
export function answerRequest(
  broker: Broker,
  link: ServerEnd,
  command: RemotingCommand,
): Answer | undefined {
  switch (command.code) {
    case RequestCode.HEART_BEAT:
      broker.registrations.seen(link, broker.world.scheduler.now);
      return { extFields: { IS_SUPPORT_HEART_BEAT_V2: "true", IS_SUB_CHANGE: "true" } };
    case RequestCode.UNREGISTER_CLIENT:
      broker.registrations.remove(link);
      return {};
    case RequestCode.SEND_MESSAGE_V2:
    case RequestCode.SEND_BATCH_MESSAGE:
      return storeMessage(broker, link, command);
    case RequestCode.END_TRANSACTION:
      return endTransaction(broker, link, command);
    case RequestCode.QUERY_MESSAGE:
      return queryMessages(broker, command);
    case RequestCode.VIEW_MESSAGE_BY_ID:
      return viewMessage(broker, command);
    case RequestCode.PULL_MESSAGE:
      return pullMessages(broker, command);
    case RequestCode.GET_MAX_OFFSET:
      return maxOffset(broker, command);
    case RequestCode.QUERY_CONSUMER_OFFSET:
      return queryProgress(broker, command);
    case RequestCode.RESUME_CHECK_HALF_MESSAGE:
      return resumeHalf(broker, command);
    default:
      return {
        code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
        remark: ` request type ${command.code} not supported`,
      };
  }
}

function storeMessage(broker: Broker, link: ServerEnd, command: RemotingCommand): Answer {
  const refusal = refuse(broker.troubles.busyForHalves);
  if (refusal) return refusal;
  const header = readSendMessageRequest(command);
  const properties = decodeProperties(header.properties ?? "");
  return isHalf(properties)
    ? storeHalf(broker, link, command, header, properties)
    : storePlain(broker, command);
}

function storeHalf(
  broker: Broker,
  link: ServerEnd,
  command: RemotingCommand,
  header: ReturnType<typeof readSendMessageRequest>,
  properties: Record<string, string>,
): Answer {
  const { troubles, store, world } = broker;
  const id = properties[MessageProperty.UniqueKey]!;
  const content: Content = {
    txn: properties[MessageProperty.Keys]!,
    id,
    group: properties[MessageProperty.ProducerGroup]!,
    topic: header.topic,
    queueId: header.queueId,
    body: command.body,
    properties: { ...properties, ...ADDED, __transactionId__: id },
    flag: header.flag,
    sysFlag: header.sysFlag & ~TRANSACTION_BITS,
    bornTimestamp: Number(header.bornTimestamp),
    ...(link.address === undefined ? {} : { bornHost: link.address }),
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
      msgId: messageIdOf(broker, logOffset),
      queueId: header.queueId,
      queueOffset: BigInt(queueOffset),
      transactionId: id,
    }),
  };
}

function endTransaction(
  broker: Broker,
  link: ServerEnd,
  command: RemotingCommand,
): Answer | undefined {
  const { troubles, store, world } = broker;
  let header: EndTransactionHeader;
  try {
    header = endTransactionHeader.decode(command.extFields);
  } catch (error) {
    return { code: ResponseCode.SYSTEM_ERROR, remark: (error as Error).message };
  }
  if (!VERDICTS.has(header.commitOrRollback)) {
    return { code: ResponseCode.SYSTEM_ERROR, remark: "commitOrRollback field wrong" };
  }
  if (header.commitOrRollback === CommitOrRollback.Unknown) return undefined;
  const refusal = refuse(troubles.busyForVerdicts);
  if (refusal) return refusal;
  if (troubles.untrueSuccess > 0) return {};
  const half = store.halfAt(Number(header.commitLogOffset));
  if (half && !header.fromTransactionCheck && isTooLate(broker, half.content)) {
    return { code: ResponseCode.ILLEGAL_OPERATION, remark: NO_REMARK_SET };
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
  return isCommit ? {} : { remark: NO_REMARK_SET };
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
  const { topic, key, maxNum, beginTimestamp, endTimestamp } = queryMessageHeader.decode(
    command.extFields,
  );
  const indexed = broker.world.scheduler.now - INDEX_DELAY;
  const isInTime = ({ storedAt }: StoredRecord) =>
    EPOCH + storedAt >= beginTimestamp && EPOCH + storedAt <= endTimestamp;
  const found = recordsOf(broker, topic).filter((record) =>
    record.content.id === key && record.storedAt <= indexed && isInTime(record)
  ).slice(-Math.max(1, maxNum));
  if (found.length === 0) {
    const remark = "can not find message, maybe time range not correct";
    return { code: ResponseCode.QUERY_NOT_FOUND, remark };
  }
  return { body: join(found.map((record) => encodeRecord(broker, topic, record))) };
}

function viewMessage(broker: Broker, command: RemotingCommand): Answer {
  const offset = Number(viewMessageHeader.decode(command.extFields).offset);
  const found = recordAt(broker, offset);
  if (found) return { body: encodeRecord(broker, found.topic, found.record) };
  return {
    code: ResponseCode.SYSTEM_ERROR,
    remark: `can not find message by the offset, ${offset}`,
  };
}

/** How far the broker's checks have come. */
function queryProgress({ store }: Broker, command: RemotingCommand): Answer {
  const { topic } = queryConsumerOffsetHeader.decode(command.extFields);
  if (topic !== HALF_TOPIC) return { code: ResponseCode.QUERY_NOT_FOUND };
  return { extFields: { offset: String(store.progress) } };
}

/** Makes whatever record is at the place that an id names a half message again, as brokers do. */
function resumeHalf(broker: Broker, command: RemotingCommand): Answer {
  const { msgId = "" } = resumeCheckHalfMessageHeader.decode(command.extFields);
  const isId = /^[0-9A-F]{32}$/i.test(msgId);
  const found = isId ? recordAt(broker, Number(parseOffsetMessageId(msgId).offset)) : undefined;
  if (!found) {
    const remark = `Exception was thrown when putting message back to ${HALF_TOPIC}.`;
    return { code: ResponseCode.SYSTEM_ERROR, remark };
  }
  const { content } = found.record, { world: { scheduler, tell }, store, name } = broker;
  const { queueOffset, logOffset } = store.putHalf(content, 0, scheduler.now);
  tell({
    type: "stored",
    broker: name,
    txn: content.txn,
    handle: { queueOffset, logOffset },
    checks: 0,
    isResumed: true,
  });
  return {};
}

/** The record at a place of the log, and the topic that it is in. */
function recordAt(
  broker: Broker,
  offset: number,
): { topic: string; record: StoredRecord } | undefined {
  for (const topic of [HALF_TOPIC, DISCARDED_TOPIC, ""]) {
    const record = recordsOf(broker, topic).find(({ logOffset }) => logOffset === offset);
    if (record) return { topic: topic || record.content.topic, record };
  }
  return undefined;
}

/** A record of either kind. */
interface StoredRecord {
  readonly content: Content;
  readonly logOffset: number;
  readonly storedAt: number;
  readonly queueOffset?: number;
  readonly preparedOffset?: number;
  readonly checks?: number;
}

function recordsOf({ store }: Broker, topic: string): readonly StoredRecord[] {
  switch (topic) {
    case HALF_TOPIC:
      return store.halves;
    case DISCARDED_TOPIC:
      return store.putAside;
    default:
      return store.visible.filter(({ content }) => topic === "" || content.topic === topic);
  }
}

/** A record as it stands in the log. */
export function encodeRecord(broker: Broker, topic: string, record: StoredRecord): Uint8Array {
  const { content, logOffset, storedAt, checks = 0 } = record;
  const { queueOffset = 0, preparedOffset } = record;
  const isVisible = preparedOffset !== undefined;
  return encodeStoredMessage({
    ...content,
    ...(isVisible ? { sysFlag: content.sysFlag | COMMITTED } : { queueId: 0 }),
    ...(topic === DISCARDED_TOPIC ? { flag: 0 } : {}),
    properties: {
      ...content.properties,
      ...(isVisible ? {} : { REAL_TOPIC: content.topic, REAL_QID: String(content.queueId) }),
      ...(checks > 0 ? { TRANSACTION_CHECK_TIMES: String(checks) } : {}),
    },
    topic,
    queueOffset: BigInt(queueOffset),
    commitLogOffset: BigInt(logOffset),
    preparedTransactionOffset: BigInt(preparedOffset ?? 0),
    storeTimestamp: Math.floor(EPOCH + storedAt),
    storeHost: broker.storeHost,
  });
}
