/**
 * Names of the properties that the system itself reads or writes, as they stand on the wire. The
 * source is `MessageConst` of the Java library.
 */
export const MessageProperty = {
  /** Business keys, one space between. */
  Keys: "KEYS",
  /** The tag. */
  Tags: "TAGS",
  /** The id that the producer gave: message id and transaction id. */
  UniqueKey: "UNIQ_KEY",
  /** `true` while the producer wants to wait until the message is on disk and on the slave. */
  WaitStoreMessageOk: "WAIT",
  /** `true` on a half message, and on the message that comes of it. */
  TransactionPrepared: "TRAN_MSG",
  /** The producer group whose members are asked about a half message. */
  ProducerGroup: "PGROUP",
  /** The transaction id on a half message that the broker keeps. */
  TransactionId: "__transactionId__",
  /** How often the broker has asked about a half message. */
  TransactionCheckTimes: "TRANSACTION_CHECK_TIMES",
  /** Seconds during which the broker does not ask about a half message. */
  CheckImmunityTimeInSeconds: "CHECK_IMMUNITY_TIME_IN_SECONDS",
  /** Queue offset of the first record of a half message that was put back. */
  TransactionPreparedQueueOffset: "TRAN_PREPARED_QUEUE_OFFSET",
  /** Topic that a half, delayed or retried message is meant for. */
  RealTopic: "REAL_TOPIC",
  /** Queue that a half, delayed or retried message is meant for. */
  RealQueueId: "REAL_QID",
  /** Name of the cluster. */
  Cluster: "CLUSTER",
  /** Name of the broker's region. */
  Region: "MSG_REGION",
  /** Whether the broker wants the message traced. */
  TraceSwitch: "TRACE_ON",
  /** The namespace of the producer. */
  InstanceId: "INSTANCE_ID",
  /** Delay level, 1 to 18. */
  DelayTimeLevel: "DELAY",
  /** Delay of a timer message in seconds. */
  TimerDelaySeconds: "TIMER_DELAY_SEC",
  /** Delay of a timer message in milliseconds. */
  TimerDelayMs: "TIMER_DELAY_MS",
  /** When a timer message is to be delivered, in milliseconds since 1970. */
  TimerDeliverMs: "TIMER_DELIVER_MS",
  /** When a timer message was due, in milliseconds since 1970. */
  TimerOutMs: "TIMER_OUT_MS",
  /** Id of the timer message that this one recalls. */
  TimerDeleteUniqueKey: "TIMER_DEL_UNIQKEY",
  /** Messages of one sharding key keep their order. */
  ShardingKey: "__SHARDINGKEY",
  /** Priority of the message. */
  Priority: "_SYS_MSG_PRIORITY_",
  /** Name of the lite topic. */
  LiteTopic: "__LITE_TOPIC",
  /** Names of queues that the broker puts the message into as well. */
  InnerMultiDispatch: "INNER_MULTI_DISPATCH",
  /** Topic that a retried message came from. */
  RetryTopic: "RETRY_TOPIC",
  /** How often a retried message was given back. */
  ReconsumeTime: "RECONSUME_TIME",
  /** How often a message may be given back. */
  MaxReconsumeTimes: "MAX_RECONSUME_TIMES",
  /** Smallest offset of the queue when the message was read. */
  MinOffset: "MIN_OFFSET",
  /** Largest offset of the queue when the message was read. */
  MaxOffset: "MAX_OFFSET",
  /** Connects a reply with its request. */
  CorrelationId: "CORRELATION_ID",
  /** Client that a reply goes to. */
  ReplyToClient: "REPLY_TO_CLIENT",
  /** How long the sender of a request waits, in milliseconds. */
  MessageTtl: "TTL",
  /** Kind of the message: `reply` for a reply. */
  MessageType: "MSG_TYPE",
  /** Checksum over the record of a broker that writes one. */
  Crc32: "__CRC32#",
} as const;

/** One of the names in {@linkcode MessageProperty}. */
export type MessageProperty = typeof MessageProperty[keyof typeof MessageProperty];

/**
 * What the Java library refuses as names of user properties (`MessageConst.STRING_HASH_SET`), and
 * beyond it the two names by which a sender could reach into the broker's account of a transaction.
 */
const RESERVED: ReadonlySet<string> = new Set([
  "1ST_POP_TIME",
  "ARRIVE_TIME",
  "BORN_TIMESTAMP",
  "BUYER_ID",
  "CLUSTER",
  "CONSUME_START_TIME",
  "CORRECTION_FLAG",
  "CORRELATION_ID",
  "DELAY",
  "DLQ_ORIGIN_MESSAGE_ID",
  "DLQ_ORIGIN_TOPIC",
  "DUP_INFO",
  "EXTEND_UNIQ_INFO",
  "INNER_MULTI_QUEUE_OFFSET",
  "INSTANCE_ID",
  "KEYS",
  "MAX_OFFSET",
  "MAX_RECONSUME_TIMES",
  "MIN_OFFSET",
  "MQ2_FLAG",
  "MSG_REGION",
  "MSG_TYPE",
  "ORIGIN_GROUP",
  "ORIGIN_MESSAGE_ID",
  "PGROUP",
  "POP_CK",
  "POP_CK_OFFSET",
  "PUSH_REPLY_TIME",
  "REAL_QID",
  "REAL_TOPIC",
  "RECONSUME_TIME",
  "REPLY_TO_CLIENT",
  "RETRY_TOPIC",
  "TAGS",
  "TIMER_DELAY_LEVEL",
  "TIMER_DELAY_MS",
  "TIMER_DELAY_SEC",
  "TIMER_DELIVER_MS",
  "TIMER_DEL_UNIQKEY",
  "TIMER_DEQUEUE_MS",
  "TIMER_ENQUEUE_MS",
  "TIMER_OUT_MS",
  "TIMER_ROLL_TIMES",
  "TRACE_ON",
  "TRANSFER_FLAG",
  "TRAN_MSG",
  "TRAN_PREPARED_QUEUE_OFFSET",
  "TTL",
  "UNIQ_KEY",
  "WAIT",
  "_SYS_MSG_PRIORITY_",
  "__BORNHOST",
  "__CRC32#",
  "__LITE_TOPIC",
  MessageProperty.TransactionId,
  MessageProperty.TransactionCheckTimes,
]);

/**
 * Whether the system keeps this property name for itself, so that an application may not set it:
 * the names that the Java library refuses, and `__transactionId__` and `TRANSACTION_CHECK_TIMES`,
 * which it lets pass.
 */
export function isReservedProperty(name: string): boolean {
  return RESERVED.has(name);
}
