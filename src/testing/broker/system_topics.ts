/** Topics that brokers keep for themselves, by what they are for. */
export const SystemTopic = {
  /** The template of topics that are made on demand. */
  Template: "TBW102",
  /** Undecided half messages. */
  Half: "RMQ_SYS_TRANS_HALF_TOPIC",
  /** Marks of half messages that were decided. */
  HalfDone: "RMQ_SYS_TRANS_OP_HALF_TOPIC",
  /** Half messages that were asked about too often. */
  GivenUp: "TRANS_CHECK_MAX_TIME_TOPIC",
  /** Messages that are delivered later. */
  Schedule: "SCHEDULE_TOPIC_XXXX",
  /** Messages that a timer delivers. */
  Timer: "rmq_sys_wheel_timer",
  /** For the broker's test of itself. */
  SelfTest: "SELF_TEST_TOPIC",
  /** For benchmarks. */
  Benchmark: "BenchmarkTest",
  /** Consumers whose offset was wrong. */
  OffsetMoved: "OFFSET_MOVED_EVENT",
  /** Message traces. */
  Trace: "RMQ_SYS_TRACE_TOPIC",
  /** Offsets of another kind of store. */
  Checkpoint: "CHECKPOINT_TOPIC",
  /** Half messages of another kind of store. */
  RocksHalf: "RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC",
  /** Marks of another kind of store. */
  RocksHalfDone: "RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC",
} as const;

/** What begins the name of a system topic. */
const SYSTEM_PREFIX = "rmq_sys_";

/** What begins the names of topics that hold what consumers gave back or up. */
const CONSUMER_PREFIX = /^%(?:RETRY|DLQ)%/;

const NOT_FOR_CLIENTS: ReadonlySet<string> = new Set([
  SystemTopic.Schedule,
  SystemTopic.Half,
  SystemTopic.HalfDone,
  SystemTopic.GivenUp,
  SystemTopic.SelfTest,
  SystemTopic.OffsetMoved,
  SystemTopic.RocksHalf,
  SystemTopic.RocksHalfDone,
]);

const ALL: ReadonlySet<string> = new Set(Object.values(SystemTopic));

/** Whether a topic is the broker's own. */
export function isSystemTopic(topic: string): boolean {
  return ALL.has(topic) || topic.startsWith(SYSTEM_PREFIX);
}

/** Whether clients may not send to a topic. */
export function isClosedToClients(topic: string): boolean {
  return NOT_FOR_CLIENTS.has(topic);
}

/** Why a name can't be a topic, in the words of a broker; undefined when it can. */
export function describeBadTopic(topic: string): string | undefined {
  if (topic.trim() === "") return "The specified topic is blank.";
  if (!/^[%|a-zA-Z0-9_-]+$/.test(topic)) {
    return `The specified topic: ${topic}, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$`;
  }
  if (CONSUMER_PREFIX.test(topic)) {
    return topic.length <= 255
      ? undefined
      : `The specified topic is DLQ or Retry topic: ${topic}, and it's longer than topic max length: 255`;
  }
  return topic.length <= 127
    ? undefined
    : `The specified topic: ${topic}, is longer than topic max length: 127`;
}
