import type { ClientNamespace } from "../access/mod.ts";
import { checkName, MAX_GROUP_LENGTH, MAX_TOPIC_LENGTH } from "../client/mod.ts";
import { InvalidArgumentError } from "../errors.ts";

/** Most bytes of a body before compression: what a broker with default settings takes. */
export const DEFAULT_MAX_MESSAGE_SIZE = 4 * 1024 * 1024;

/** The topics of the system whose names do not begin with `RMQ_SYS_`. */
const SYSTEM_TOPICS: ReadonlySet<string> = new Set([
  "TBW102",
  "SCHEDULE_TOPIC_XXXX",
  "BenchmarkTest",
  "TRANS_CHECK_MAX_TIME_TOPIC",
  "SELF_TEST_TOPIC",
  "OFFSET_MOVED_EVENT",
  "CHECKPOINT_TOPIC",
]);

const SYSTEM_GROUPS: ReadonlySet<string> = new Set(["DEFAULT_PRODUCER", "CLIENT_INNER_PRODUCER"]);

/**
 * Checks the name of a topic that messages are sent to, as it is and as servers know it.
 *
 * @throws {InvalidArgumentError}
 */
export function checkTopic(
  topic: unknown,
  namespace?: ClientNamespace,
): asserts topic is string {
  checkName("topic", topic, MAX_TOPIC_LENGTH, namespace);
  if (SYSTEM_TOPICS.has(topic) || /^rmq_sys_/i.test(topic)) {
    throw new InvalidArgumentError(
      `Cannot send to topic "${topic}": it belongs to the RocketMQ system, use a topic of your own`,
      { topic },
    );
  }
}

/** Checks the name of a producer group in the same way. @throws {InvalidArgumentError} */
export function checkProducerGroup(
  group: unknown,
  namespace?: ClientNamespace,
): asserts group is string {
  checkName("producer group", group, MAX_GROUP_LENGTH, namespace);
  if (SYSTEM_GROUPS.has(group)) {
    throw new InvalidArgumentError(
      `Cannot use producer group "${group}": it belongs to the RocketMQ system, use a name of your own`,
    );
  }
}
