import { type RemotingCommand, ResponseCode } from "../remoting/mod.ts";
import { defineHeader, type HeaderFields, PreparedHeaders } from "./header.ts";
import { malformed, refusal, type ResponseContext } from "./response.ts";

/*
  SEND_MESSAGE_V2 (310), to the master of a broker. SEND_MESSAGE (10) has the same fields under their
  long names. SEND_BATCH_MESSAGE (320) has the same header with m=true, and a batch as its body.
  SEND_REPLY_MESSAGE (324) and SEND_REPLY_MESSAGE_V2 (325) differ in the same way.

  request  = the fields below, body: the message's, maybe compressed, never empty
  response = code 0 | 10 | 11 | 12
             msgId:string queueId:int queueOffset:long [transactionId:string] [batchUniqId:string]
             [recallHandle:string] [MSG_REGION:string] [TRACE_ON:string]
           | any other code: not stored

  A reply that the broker only passes on is answered with msgId 0 (SEND_REPLY_MESSAGE_V2).

  msgId is the offset id: host, port and commit log offset in hex. A batch has one for each message,
  with commas between them. For a half message queueOffset is that in the half topic. With queueId -1
  in the request the broker chooses.
*/

/** The fields of a send, `[name in version 2, kind]`. */
const sendFields = {
  producerGroup: ["a", "string"],
  topic: ["b", "string"],
  defaultTopic: ["c", "string"],
  defaultTopicQueueNums: ["d", "int"],
  queueId: ["e", "int"],
  sysFlag: ["f", "int"],
  bornTimestamp: ["g", "long"],
  flag: ["h", "int"],
  properties: ["i", "string?"],
  reconsumeTimes: ["j", "int?"],
  unitMode: ["k", "boolean?"],
  maxReconsumeTimes: ["l", "int?"],
  batch: ["m", "boolean?"],
  bname: ["n", "string?"],
} as const;

/** The header of a send with one-letter names. */
export const sendMessageHeader = defineHeader("SEND_MESSAGE_V2 request", sendFields);

/** The header of a send with long names, as Go and Rust clients write it. */
export const sendMessageV1Header = defineHeader(
  "SEND_MESSAGE request",
  longNames(sendFields),
);

/** The fields of a send. */
export type SendMessageHeader = HeaderFields<typeof sendMessageHeader>;

/** The header of the answer to a send. */
export const sendMessageResponseHeader = defineHeader("SEND_MESSAGE response", {
  msgId: "string",
  queueId: "uint",
  queueOffset: "offset",
  transactionId: "string?",
  batchUniqId: "string?",
  recallHandle: "string?",
  regionId: ["MSG_REGION", "string?"],
  traceOn: ["TRACE_ON", "string?"],
});

/** Says how safely a message was stored. All but `SEND_OK` are weaker than the broker is set up for. */
export const SendStatus = {
  /** Stored as the broker is set up to store. */
  SEND_OK: "SEND_OK",
  /** Stored in memory. The disk did not confirm in time. */
  FLUSH_DISK_TIMEOUT: "FLUSH_DISK_TIMEOUT",
  /** Stored on the master. No slave was available. */
  SLAVE_NOT_AVAILABLE: "SLAVE_NOT_AVAILABLE",
  /** Stored on the master. No slave confirmed in time. */
  FLUSH_SLAVE_TIMEOUT: "FLUSH_SLAVE_TIMEOUT",
} as const;

/** One of the values of {@linkcode SendStatus}. */
export type SendStatus = typeof SendStatus[keyof typeof SendStatus];

/** Ways in which a producer sends a message. `half` is the half message of a transaction. */
export type SendKind = "send" | "oneway" | "batch" | "request" | "half";

/** The answer of a broker that stored a message. */
export interface SendMessageResponse {
  /** Says how safely it was stored. */
  status: SendStatus;
  /** Id of the stored record, 32 or 56 hex digits. The first one of a batch. Empty if not stored. */
  offsetMessageId: string;
  /** The ids of all records: one for each message of a batch. */
  offsetMessageIds: readonly string[];
  /** Position in the broker's commit log. That of the first message of a batch. 0 if not stored. */
  commitLogOffset: bigint;
  /** Its queue. For a half message, the queue of the message that its commit makes. */
  queueId: number;
  /** Position in the queue. For a half message, the position in the half topic. */
  queueOffset: bigint;
  /** Unique key of the message. */
  transactionId?: string | undefined;
  /** Unique key of the batch. */
  batchUniqId?: string | undefined;
  /** Recalls a timer message. */
  recallHandle?: string | undefined;
  /** Region of the broker. */
  regionId?: string | undefined;
  /** `true` if the broker wants traces. */
  traceOn: boolean;
}

const STATUSES: Readonly<Record<number, SendStatus>> = {
  [ResponseCode.SUCCESS]: SendStatus.SEND_OK,
  [ResponseCode.FLUSH_DISK_TIMEOUT]: SendStatus.FLUSH_DISK_TIMEOUT,
  [ResponseCode.SLAVE_NOT_AVAILABLE]: SendStatus.SLAVE_NOT_AVAILABLE,
  [ResponseCode.FLUSH_SLAVE_TIMEOUT]: SendStatus.FLUSH_SLAVE_TIMEOUT,
};

/** The id in the answer to a reply that was passed on and not stored. */
const NOT_STORED = "0";

/** The fields that differ between two sends of a producer to one topic. */
export type SendMessageVarying = Required<
  Pick<
    SendMessageHeader,
    "queueId" | "sysFlag" | "bornTimestamp" | "flag" | "properties" | "batch" | "bname"
  >
>;

/** Returns the headers of a producer's sends, by topic. */
export function prepareSendMessageHeaders(
  common: Pick<SendMessageHeader, "producerGroup" | "defaultTopic" | "defaultTopicQueueNums">,
): PreparedHeaders<SendMessageVarying> {
  return new PreparedHeaders((topic) =>
    sendMessageHeader.prepare({
      ...common,
      topic,
      reconsumeTimes: 0,
      unitMode: false,
      maxReconsumeTimes: undefined,
    })
  );
}

/**
 * Reads the answer to a send. All four stored outcomes come back with their status.
 *
 * @param kind A reply need not be stored. It has no ids then.
 * @throws {BrokerResponseError} when the message was not stored.
 * @throws {ProtocolError} when it was stored, and the answer lacks its ids or offsets.
 */
export function readSendMessageResponse(
  response: RemotingCommand,
  context: ResponseContext,
  kind: "message" | "reply" = "message",
): SendMessageResponse {
  const status = Object.hasOwn(STATUSES, response.code) ? STATUSES[response.code] : undefined;
  if (status === undefined) {
    throw refusal(response, context, { what: "send a message", actions: ["PUB"] });
  }
  const header = sendMessageResponseHeader.decode(response.extFields, context);
  const { msgId, traceOn, queueId, queueOffset, transactionId } = header;
  const { batchUniqId, recallHandle, regionId } = header;
  const offsetMessageIds = kind === "reply" && msgId === NOT_STORED
    ? []
    : msgId.includes(",")
    ? msgId.split(",")
    : [msgId];
  if (!offsetMessageIds.every(isOffsetMessageId)) {
    throw malformed(
      sendMessageResponseHeader.name,
      `field "msgId" has ${msgId.length} characters and is not an id of 32 or 56 hex digits`,
      context,
    );
  }
  const offsetMessageId = offsetMessageIds[0] ?? "";
  return {
    status,
    offsetMessageId,
    offsetMessageIds,
    commitLogOffset: offsetMessageId === "" ? 0n : commitLogOffsetOf(offsetMessageId),
    queueId,
    queueOffset,
    transactionId,
    batchUniqId,
    recallHandle,
    regionId,
    traceOn: traceOn !== "false",
  };
}

/** Returns the last eight bytes of an id. */
function commitLogOffsetOf(offsetMessageId: string): bigint {
  const hex = offsetMessageId.slice(-16), small = Number(`0x${hex}`);
  return Number.isSafeInteger(small) ? BigInt(small) : BigInt.asIntN(64, BigInt(`0x${hex}`));
}

const OFFSET_MESSAGE_ID = /^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{56})$/;

function isOffsetMessageId(id: string): boolean {
  return OFFSET_MESSAGE_ID.test(id);
}

function longNames<const L extends Record<string, readonly [string, string]>>(
  list: L,
): { [N in keyof L]: L[N][1] } {
  const entries = Object.entries(list).map(([name, [, spec]]) => [name, spec]);
  return Object.fromEntries(entries);
}
