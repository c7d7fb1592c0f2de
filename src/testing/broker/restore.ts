import { decodeStoredMessage, MessageProperty, type StoredMessage } from "../../message/mod.ts";
import type { LogFile } from "../store/log_file.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { SystemTopic } from "./system_topics.ts";
import { topicConfig } from "./topics.ts";

/** Queues that a topic has at least that was made by an earlier process. */
const DEFAULT_QUEUES = 4;

/** Bytes in which a record states its size. */
const SIZE_BYTES = 4;

/**
 * Takes over what an earlier process has stored: the messages with their queues and index, and which
 * half messages are undecided.
 */
export function restore(broker: BrokerParts, file: LogFile): void {
  const log = file.read(), view = new DataView(log.buffer, log.byteOffset, log.length);
  const halves = new UndecidedHalves();
  let position = 0;
  while (position + SIZE_BYTES <= log.length) {
    const end = position + view.getInt32(position);
    if (end <= position + SIZE_BYTES || end > log.length) break;
    const record = log.subarray(position, end), message = decodeStoredMessage(record);
    broker.store.restore(message, record);
    ensureTopic(broker, message);
    halves.add(message);
    position = end;
  }
  file.truncate(position);
  for (const offset of broker.halves.restore(halves.offsets())) broker.marks.add(offset);
  broker.marks.flush();
}

function ensureTopic({ topics }: BrokerParts, { topic, queueId }: StoredMessage): void {
  const queues = Math.max(DEFAULT_QUEUES, queueId + 1);
  const existing = topics.get(topic);
  if (!existing) topics.set(topicConfig(topic, topic === SystemTopic.GivenUp ? 1 : queues));
  else if (existing.readQueueNums <= queueId) topics.set(topicConfig(topic, queues, existing.perm));
}

/** Finds out from the log which half messages are undecided: a broker has no other record of it. */
class UndecidedHalves {
  readonly #keyOf = new Map<number, string | undefined>();
  readonly #decoder = new TextDecoder();

  /** Offsets in the queue of half messages. */
  offsets(): ReadonlySet<number> {
    return new Set(this.#keyOf.keys());
  }

  /** Takes note of the next message of the log. */
  add({ topic, queueOffset, body, properties }: StoredMessage): void {
    const key = properties[MessageProperty.UniqueKey];
    if (topic === SystemTopic.HalfDone) {
      for (const offset of this.#decoder.decode(body).split(",")) {
        if (offset !== "") this.#keyOf.delete(Number(offset));
      }
    } else if (topic === SystemTopic.GivenUp) {
      this.#supersede(key);
    } else if (topic === SystemTopic.Half) {
      const times = properties[MessageProperty.TransactionCheckTimes];
      if (times !== undefined && times !== "0") this.#supersede(key);
      this.#keyOf.set(Number(queueOffset), key);
    }
  }

  /** A half message that is asked about is written again; the oldest of its key is meant. */
  #supersede(key: string | undefined): void {
    for (const [offset, other] of this.#keyOf) {
      if (other === key) {
        this.#keyOf.delete(offset);
        return;
      }
    }
  }
}
