import type { ClientInstance } from "../client/mod.ts";
import { createOffsetMessageId, type StoredMessage } from "../message/mod.ts";
import { MessageIndex, type SendBounds } from "../producer/mod.ts";
import {
  createQueryConsumerOffsetRequest,
  readQueryConsumerOffsetResponse,
} from "../requests/mod.ts";
import { parseAddress } from "../route/mod.ts";
import { checkTimesOf } from "./check_opener.ts";

/** Where a broker keeps half messages. */
const HALF_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC";
/** Where a broker puts half messages that it has asked about often enough. */
const GIVEN_UP_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC";
/** The group under which a broker's check keeps its own progress through the half messages. */
const CHECK_GROUP = "CID_RMQ_SYS_TRANS";

/** Where brokers tell different things of a transaction, the first of these counts. */
const STATES = ["committed", "pending", "givenUp", "rolledBack"] as const;

/** A record of a transaction in a broker's log. */
export interface TransactionRecord {
  /**
   * - `half`: the half message. A broker writes it anew whenever it asks about it, and when it puts
   *   it back.
   * - `visible`: the message that consumers see.
   * - `givenUp`: the half message, put aside after the last check.
   */
  readonly kind: "half" | "visible" | "givenUp";
  /** The broker that has it. */
  readonly brokerName: string;
  /** When it was stored, in milliseconds since 1970 by the broker's clock. */
  readonly storeTimestamp: number;
  /** How often the broker had asked when it was stored, the question that it was stored for included. */
  readonly checkTimes: number;
  /** The offset message id: address and place of the record. */
  readonly offsetMessageId: string;
}

/** What the brokers know of a transaction. */
export interface TransactionInspection {
  /** The id that was asked for. */
  readonly transactionId: string;
  /**
   * - `pending`: the half message waits for a verdict, or its verdict has not been noticed by a
   *   check round yet.
   * - `committed`: the message is visible, see `copies`.
   * - `rolledBack`: the half message was ended, and no message came of it.
   * - `givenUp`: the broker asked as often as it does, and put the half message aside.
   * - `notFound`: no broker of the topic knows it, or not any more.
   */
  readonly state: "pending" | "committed" | "rolledBack" | "givenUp" | "notFound";
  /** How many times the message is visible: more than once after a fault on the broker's side. */
  readonly copies: number;
  /** How often the broker has asked. */
  readonly checkTimes: number;
  /** Broker that holds it, and that the rest is about. Two hold it after one has failed. */
  readonly brokerName?: string;
  /** The id of the record that was given up, for `resume()`. */
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
    const [halves, visible, givenUp] = await Promise.all([
      find(HALF_TOPIC),
      find(topic),
      find(GIVEN_UP_TOPIC),
    ]);
    return { brokerName, halves, visible, givenUp };
  }));
  const known = findings.filter(({ halves, visible, givenUp }) =>
    halves.length + visible.length + givenUp.length > 0
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
function recordsOf({ brokerName, halves, visible, givenUp }: Findings): TransactionRecord[] {
  const kinds = [["half", halves], ["visible", visible], ["givenUp", givenUp]] as const;
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
  { brokerName, halves, visible, givenUp }: Findings,
  bounds: SendBounds,
): Promise<typeof STATES[number]> {
  if (visible.length > 0) return "committed";
  const lastGivenUp = newest(givenUp), half = newest(halves);
  if (lastGivenUp && !(half && half.commitLogOffset > lastGivenUp.commitLogOffset)) {
    return "givenUp";
  }
  const passed = half && await checkProgress(client, brokerName, bounds);
  return half && passed !== undefined && half.queueOffset < passed ? "rolledBack" : "pending";
}

/** Up to which half message the broker's check has come; every one before it was ended or put back. */
async function checkProgress(
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
