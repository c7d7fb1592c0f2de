import type { MessageExt } from "../../message/mod.ts";

/** Most bytes of a body that are shown. */
const MAX_BODY = 4_096;

/** Most characters of a property that are shown. */
const MAX_PROPERTY = 512;

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

/** What a page shows of a message: not all of it where it is long. */
export function previewMessage({ body, properties, tags }: MessageExt): MessagePreview {
  const cut = Object.entries(properties).slice(0, 64)
    .map(([name, value]) => [name.slice(0, MAX_PROPERTY), value.slice(0, MAX_PROPERTY)]);
  return {
    body: new TextDecoder().decode(body.subarray(0, MAX_BODY)),
    size: body.length,
    tags: tags ?? "",
    properties: Object.fromEntries(cut),
  };
}
