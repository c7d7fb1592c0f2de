import { decodeStoredMessage, MessageProperty, type StoredMessage } from "../../message/mod.ts";
import { KeyIndex } from "./key_index.ts";

/** What a message is looked for by. */
export interface IndexQuery {
  /** Topic that it is stored under. */
  topic: string;
  /** Unique key, one of the business keys, or with `byTag` a tag. */
  key: string;
  /** Look in the tags. */
  byTag?: boolean;
  /** Most messages that are wanted. */
  max: number;
  /** Earliest time of storing, in milliseconds since 1970. */
  begin: number;
  /** Latest time of storing, in milliseconds since 1970. */
  end: number;
}

/** Reads the records that an index names. */
export interface RecordReader {
  /** Reads the record at a position. */
  record(position: number): Uint8Array | undefined;
}

/** What of a message is entered in an index. */
export interface IndexedMessage {
  readonly topic: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** Finds messages by unique key, business key and tag, as QUERY_MESSAGE does. */
export class MessageIndex {
  readonly #keys = new KeyIndex();
  readonly #store: RecordReader;
  #lastPosition = 0;
  #lastTimestamp = 0;

  constructor(store: RecordReader) {
    this.#store = store;
  }

  /** Position of the message that was entered last. */
  get lastPosition(): number {
    return this.#lastPosition;
  }

  /** When the message that was entered last was stored, in milliseconds since 1970. */
  get lastTimestamp(): number {
    return this.#lastTimestamp;
  }

  /** Enters a message that was stored at a position. */
  add({ topic, properties }: IndexedMessage, position: number, storeTimestamp: number): void {
    const uniqueKey = properties[MessageProperty.UniqueKey];
    const tags = properties[MessageProperty.Tags];
    const keys = splitKeys(properties[MessageProperty.Keys]);
    if (uniqueKey) this.#keys.add(`${topic}#${uniqueKey}`, position);
    for (const key of keys) this.#keys.add(`${topic}#${key}`, position);
    if (tags) this.#keys.add(`${topic}#T#${tags}`, position);
    if (!uniqueKey && !tags && keys.length === 0) return;
    this.#lastPosition = position;
    this.#lastTimestamp = storeTimestamp;
  }

  /** The records that a query finds, the oldest first; of too many the newest. */
  find(query: IndexQuery): Uint8Array[] {
    const { topic, key, byTag = false, max, begin, end } = query;
    const found = new Map<number, Uint8Array>();
    for (const position of this.#keys.find(byTag ? `${topic}#T#${key}` : `${topic}#${key}`)) {
      if (found.size >= max) break;
      const record = this.#store.record(position)!;
      const message = decodeStoredMessage(record);
      const { storeTimestamp } = message;
      if (storeTimestamp < begin || storeTimestamp > end) continue;
      if (message.topic === topic && hasKey(message, key, byTag)) found.set(position, record);
    }
    return [...found].sort(([a], [b]) => a - b).map(([, record]) => record);
  }
}

function hasKey({ properties }: StoredMessage, key: string, byTag: boolean): boolean {
  if (byTag) return properties[MessageProperty.Tags] === key;
  return properties[MessageProperty.UniqueKey] === key ||
    splitKeys(properties[MessageProperty.Keys]).includes(key);
}

function splitKeys(keys: string | undefined): string[] {
  return keys ? keys.split(" ").filter((key) => key !== "") : [];
}
