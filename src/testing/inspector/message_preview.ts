import { type MessageExt, MessageProperty } from "../../message/mod.ts";
import type { InspectedBroker } from "./source.ts";

/** Most bytes of a body that are shown. */
const MAX_BODY = 4_096;

/** Most characters of a property that are shown. */
const MAX_PROPERTY = 512;

/** Where a broker puts half messages that it has asked about often enough. */
const GIVEN_UP_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC";

/** What a page shows of a message. */
export interface MessagePreview {
  /** Its body as text, cut where it is long; bytes that are no text are replaced. */
  readonly body: string;
  /** Bytes of the whole body. */
  readonly size: number;
  /** Its tag. */
  readonly tags: string;
  /** Its properties. */
  readonly properties: Readonly<Record<string, string>>;
}

/** The message of a transaction as an embedded broker has it; one that was rolled back is gone. */
export async function previewMessage(
  broker: InspectedBroker,
  topic: string,
  transactionId: string,
): Promise<MessagePreview | undefined> {
  const places = [
    () => broker.halfMessages(),
    () => broker.messages(topic),
    () => broker.messages(GIVEN_UP_TOPIC),
  ];
  for (const read of places) {
    const messages = await read();
    const found = messages.findLast(({ properties }) =>
      properties[MessageProperty.UniqueKey] === transactionId
    );
    if (found) return preview(found);
  }
  return undefined;
}

function preview({ body, properties, tags }: MessageExt): MessagePreview {
  const cut = Object.entries(properties).slice(0, 64)
    .map(([name, value]) => [name.slice(0, MAX_PROPERTY), value.slice(0, MAX_PROPERTY)]);
  return {
    body: new TextDecoder().decode(body.subarray(0, MAX_BODY)),
    size: body.length,
    tags: tags ?? "",
    properties: Object.fromEntries(cut),
  };
}
