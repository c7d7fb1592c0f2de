import type { ClientInstance } from "../client/mod.ts";
import { InvalidArgumentError, InvalidStateError, printable } from "../errors.ts";
import { createOffsetMessageId, MessageProperty, type StoredMessage } from "../message/mod.ts";
import { MessageIndex, readOffsetMessageId, type SendBounds } from "../producer/mod.ts";
import {
  createQueryConsumerOffsetRequest,
  createResumeCheckHalfMessageRequest,
  readQueryConsumerOffsetResponse,
  readResumeCheckHalfMessageResponse,
} from "../requests/mod.ts";
import { parseAddress } from "../route/mod.ts";
import { checkTimesOf, DISCARDED_TOPIC, HALF_TOPIC, ROCKSDB_HALF_TOPIC } from "./half_message.ts";

/** The group under which a broker's check keeps its own consumer offset in the half topic. */
const CHECK_GROUP = "CID_RMQ_SYS_TRANS";

/** Where brokers tell different things of a transaction, the first of these counts. */
const STATES = ["committed", "pending", "givenUp", "uncertain", "rolledBack"] as const;

/** A record of a transaction in a broker's log. */
export interface TransactionRecord {
  /**
   * - `half`: the half message. A broker writes it again whenever it checks it, and when it puts it
   *   back.
   * - `visible`: the message that consumers see.
   * - `givenUp`: the half message, moved to `TRANS_CHECK_MAX_TIME_TOPIC` after the last check.
   */
  readonly kind: "half" | "visible" | "givenUp";
  /** The broker that has it. */
  readonly brokerName: string;
  /** When it was stored, in milliseconds since 1970 by the broker's clock. */
  readonly storeTimestamp: number;
  /** How often the broker had checked when it was stored, the check that it was stored for included. */
  readonly checkTimes: number;
  /** The offset message id: address and place of the record. */
  readonly offsetMessageId: string;
}

/** What the brokers have of a transaction. */
export interface TransactionInspection {
  /** The id that was looked for. */
  readonly transactionId: string;
  /**
   * - `pending`: the half message waits to be committed or rolled back, or no check round has noticed
   *   its end yet.
   * - `committed`: the message is visible, see `copies`.
   * - `rolledBack`: the half message was ended, and no message came of it.
   * - `givenUp`: the broker has discarded the half message after its last check, see `resume()`.
   * - `uncertain`: its broker keeps half messages in RocksDB (`transRocksDBEnable` without
   *   `transWriteOriginTransHalfEnable`) and does not tell whether this one is pending, rolled back or
   *   discarded; nor does it count its checks.
   * - `notFound`: no broker of the topic has it, or not any more.
   */
  readonly state:
    | "pending"
    | "committed"
    | "rolledBack"
    | "givenUp"
    | "uncertain"
    | "notFound";
  /** How many times the message is visible: more than once after some faults of a broker. */
  readonly copies: number;
  /** How often the broker has checked. */
  readonly checkTimes: number;
  /** Broker that holds it, and that the rest is about. Two hold it after one has failed. */
  readonly brokerName?: string;
  /** The id of the record that was discarded, for `resume()`. */
  readonly givenUpMessageId?: string;
  /** What the logs of all brokers of the topic still have of it, in the order of time. */
  readonly records: readonly TransactionRecord[];
}

/** What one broker's index says. */
interface Findings {
  brokerName: string;
  visible: StoredMessage[];
  halves: StoredMessage[];
  givenUp: StoredMessage[];
  /** Half messages in RocksDB, of which the index only knows that they were stored. */
  inRocksDb: StoredMessage[];
}

/** Reads from the brokers of a topic what became of a transaction. @throws {RocketMQError} */
export async function inspectTransaction(
  client: ClientInstance,
  topic: string,
  transactionId: string,
  bounds: SendBounds,
): Promise<TransactionInspection> {
  const index = new MessageIndex(client);
  const rest = () => ({ timeout: bounds.deadline.remaining, signal: bounds.signal });
  const route = await client.route(topic, rest());
  const names = route.brokerNames.filter((name) => route.masterAddress(name) !== undefined);
  const findings = await Promise.all(names.map(async (brokerName): Promise<Findings> => {
    const find = (where: string) => index.byUniqueKey(brokerName, where, transactionId, bounds);
    const [halves, visible, givenUp, inRocksDb] = await Promise.all([
      find(HALF_TOPIC),
      find(topic),
      find(DISCARDED_TOPIC),
      find(ROCKSDB_HALF_TOPIC),
    ]);
    return { brokerName, halves, visible, givenUp, inRocksDb };
  }));
  const known = findings.filter(({ halves, visible, givenUp, inRocksDb }) =>
    halves.length + visible.length + givenUp.length + inRocksDb.length > 0
  );
  const states = await Promise.all(known.map((of) => stateOn(client, of, bounds)));
  const state = STATES.find((state) => states.includes(state));
  const copies = findings.reduce((sum, { visible }) => sum + visible.length, 0);
  if (!state) return { transactionId, state: "notFound", copies, checkTimes: 0, records: [] };
  const { brokerName, halves, givenUp } = known[states.indexOf(state)]!;
  const lastGivenUp = newest(givenUp);
  return {
    transactionId,
    state,
    copies,
    brokerName,
    checkTimes: Math.max(0, ...[...halves, ...givenUp].map(checkTimesOf)),
    ...(lastGivenUp ? { givenUpMessageId: messageIdOf(lastGivenUp) } : {}),
    records: known.flatMap(recordsOf).sort((a, b) => a.storeTimestamp - b.storeTimestamp),
  };
}

/** The records of one broker, in the order of its log. */
function recordsOf(
  { brokerName, halves, visible, givenUp, inRocksDb }: Findings,
): TransactionRecord[] {
  const kinds = [
    ["half", [...halves, ...inRocksDb]],
    ["visible", visible],
    ["givenUp", givenUp],
  ] as const;
  return kinds
    .flatMap(([kind, messages]) => messages.map((message) => ({ kind, message })))
    .sort((a, b) => a.message.commitLogOffset < b.message.commitLogOffset ? -1 : 1)
    .map(({ kind, message }) => ({
      kind,
      brokerName,
      storeTimestamp: message.storeTimestamp,
      checkTimes: checkTimesOf(message),
      offsetMessageId: messageIdOf(message),
    }));
}

/** How a transaction stands on a broker that has something of it. */
async function stateOn(
  client: ClientInstance,
  { brokerName, halves, visible, givenUp, inRocksDb }: Findings,
  bounds: SendBounds,
): Promise<typeof STATES[number]> {
  if (visible.length > 0) return "committed";
  if (inRocksDb.length > 0 && halves.length === 0) return "uncertain";
  const lastGivenUp = newest(givenUp), half = newest(halves);
  if (lastGivenUp && !(half && half.commitLogOffset > lastGivenUp.commitLogOffset)) {
    return "givenUp";
  }
  const passed = half && await checkOffset(client, brokerName, bounds);
  return half && passed !== undefined && half.queueOffset < passed ? "rolledBack" : "pending";
}

/** How far the broker's check has come; every half message before that was ended or put back. */
async function checkOffset(
  client: ClientInstance,
  brokerName: string,
  bounds: SendBounds,
): Promise<bigint | undefined> {
  const rest = () => ({ timeout: bounds.deadline.remaining, signal: bounds.signal });
  const connection = await client.requestConnection(brokerName, rest());
  const request = createQueryConsumerOffsetRequest({
    consumerGroup: CHECK_GROUP,
    topic: HALF_TOPIC,
    queueId: 0,
  });
  const response = await connection.request(request, rest());
  const { address } = connection;
  return readQueryConsumerOffsetResponse(response, { address, brokerName, topic: HALF_TOPIC });
}

/** Names a discarded half message: what `inspect()` tells of it. */
export interface DiscardedTransaction {
  /** The broker that has it. */
  readonly brokerName?: string;
  /** The id of the record that was discarded. */
  readonly givenUpMessageId?: string;
  /** The id of the transaction, to be compared with what the broker has. */
  readonly transactionId?: string;
}

/**
 * Has a discarded half message put back, to be checked again. A broker puts back whatever it has at the
 * place that an id names, so what is there is looked at first.
 *
 * @throws {InvalidArgumentError} when `discarded` names no record.
 * @throws {InvalidStateError} when something else is there.
 * @throws {RocketMQError} when the broker has nothing there, refuses, or can't be reached.
 */
export async function resumeTransaction(
  client: ClientInstance,
  topic: string,
  discarded: DiscardedTransaction,
  bounds: SendBounds,
): Promise<void> {
  const { brokerName, givenUpMessageId } = discarded ?? {};
  if (typeof brokerName !== "string" || typeof givenUpMessageId !== "string") {
    throw new InvalidArgumentError(
      "Cannot resume transaction: brokerName and givenUpMessageId are needed, as inspect() returns " +
        "them of a transaction that was given up",
      { topic },
    );
  }
  const { offset } = readOffsetMessageId(givenUpMessageId);
  const record = await new MessageIndex(client).view(brokerName, topic, offset, bounds);
  const difference = differenceOf(record, client, topic, discarded);
  if (difference !== undefined) {
    throw new InvalidStateError(
      `Cannot resume message ${givenUpMessageId}: ${difference} on broker "${brokerName}"; look ` +
        "again with inspect()",
      { brokerName, topic },
    );
  }
  const rest = { timeout: bounds.deadline.remaining, signal: bounds.signal };
  const connection = await client.requestConnection(brokerName, rest);
  const request = createResumeCheckHalfMessageRequest({ topic, msgId: givenUpMessageId });
  const response = await connection.request(request, rest);
  const { address } = connection;
  readResumeCheckHalfMessageResponse(response, { address, brokerName, topic });
}

/** Says in what a record is not the one that is meant. */
function differenceOf(
  record: StoredMessage | undefined,
  { namespace }: ClientInstance,
  topic: string,
  { givenUpMessageId, transactionId }: DiscardedTransaction,
): string | undefined {
  if (!record) return "nothing is there";
  const { properties } = record, id = properties[MessageProperty.UniqueKey] ?? "";
  const realTopic = properties[MessageProperty.RealTopic] ?? "";
  if (messageIdOf(record) !== givenUpMessageId!.toUpperCase()) return "another record is there";
  if (record.topic !== DISCARDED_TOPIC) return "no discarded half message is there";
  if ((namespace?.unwrap(realTopic) ?? realTopic) !== topic) {
    return `a message of topic "${printable(realTopic, 128)}" is there`;
  }
  if (transactionId !== undefined && id !== transactionId) {
    return `that of transaction ${printable(id, 128)} is there`;
  }
  return undefined;
}

function newest(messages: StoredMessage[]): StoredMessage | undefined {
  return messages.reduce<StoredMessage | undefined>(
    (best, message) => best && best.commitLogOffset > message.commitLogOffset ? best : message,
    undefined,
  );
}

function messageIdOf(message: StoredMessage): string {
  const { host, port } = parseAddress(message.storeHost);
  return createOffsetMessageId(host, port, message.commitLogOffset);
}
