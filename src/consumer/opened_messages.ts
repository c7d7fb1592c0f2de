import { MessageDecodeError } from "../errors.ts";
import {
  decodeStoredMessages,
  type MessageExt,
  openStoredMessage,
  type StoredMessage,
} from "../message/mod.ts";

/** Bytes that a message takes beside its body and properties. */
const MESSAGE_OVERHEAD = 512;

/** Returns the bytes that are held for a message. */
export function sizeOf(message: MessageExt | StoredMessage): number {
  return MESSAGE_OVERHEAD + Math.max(message.body.length, message.storeSize);
}

/** Opens messages, and tells those apart whose bodies can't be read. */
export async function openAll(bytes: Uint8Array): Promise<[MessageExt[], StoredMessage[]]> {
  const messages: MessageExt[] = [], unreadable: StoredMessage[] = [];
  for (const stored of decodeStoredMessages(bytes)) {
    try {
      const message = await openStoredMessage(stored);
      // A view would keep the whole answer in memory until the last of its messages is settled.
      const body = message.body === stored.body ? message.body.slice() : message.body;
      if (message.bodyCrcValid) messages.push({ ...message, body });
      else unreadable.push(stored);
    } catch (error) {
      if (!(error instanceof MessageDecodeError)) throw error;
      unreadable.push(stored);
    }
  }
  return [messages, unreadable];
}
