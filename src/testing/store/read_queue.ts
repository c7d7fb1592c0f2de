import type { MessageStore } from "./message_store.ts";

/** Most messages in one answer. */
const MAX_COUNT = 32;

/** Most bytes in one answer, but for a first message that is larger. */
const MAX_BYTES = 256 * 1024;

/** Most messages that one read looks at when a filter lets few pass. */
const MAX_LOOK = 800;

/** What a read came to, in the words of a broker. */
export type ReadStatus =
  | "FOUND"
  | "NO_MATCHED_MESSAGE"
  | "NO_MESSAGE_IN_QUEUE"
  | "OFFSET_OVERFLOW_ONE"
  | "OFFSET_OVERFLOW_BADLY"
  | "OFFSET_TOO_SMALL";

/** What a read found. */
export interface ReadResult {
  /** What it came to. */
  status: ReadStatus;
  /** Where the next read begins. */
  nextOffset: number;
  /** Offset that the next message of the queue will get. */
  maxOffset: number;
  /** The records. */
  records: Uint8Array[];
}

/** Reads messages of a queue from an offset on, within the limits of a broker. */
export function readQueue(store: MessageStore, options: {
  topic: string;
  queueId: number;
  offset: number;
  maxMessages: number;
  matches(tagCode: number): boolean;
}): ReadResult {
  const { topic, queueId, offset, maxMessages, matches } = options;
  const queue = store.queue(topic, queueId), maxOffset = queue?.length ?? 0;
  const nothing = (status: ReadStatus, nextOffset: number): ReadResult => ({
    ...{ status, nextOffset, maxOffset },
    records: [],
  });
  if (!queue || maxOffset === 0) return nothing("NO_MESSAGE_IN_QUEUE", 0);
  if (offset < 0) return nothing("OFFSET_TOO_SMALL", 0);
  if (offset === maxOffset) return nothing("OFFSET_OVERFLOW_ONE", offset);
  if (offset > maxOffset) return nothing("OFFSET_OVERFLOW_BADLY", maxOffset);
  const records: Uint8Array[] = [];
  let next = offset, bytes = 0;
  for (; next < maxOffset && next - offset < Math.max(MAX_LOOK, maxMessages); next++) {
    if (records.length >= Math.min(maxMessages, MAX_COUNT) && records.length > 0) break;
    if (!matches(queue.tagCodeAt(next))) continue;
    const record = store.record(queue.positionAt(next)!)!;
    if (records.length > 0 && bytes + record.length > MAX_BYTES) break;
    bytes += record.length;
    records.push(record);
  }
  const status = records.length > 0 ? "FOUND" : "NO_MATCHED_MESSAGE";
  return { status, nextOffset: next, maxOffset, records };
}
