import { assertEquals } from "@std/assert";
import {
  type BatchMessage,
  createOffsetMessageId,
  decodeBatch,
  decodeProperties,
  encodeBatch,
  encodeProperties,
  parseOffsetMessageId,
} from "../../../src/message/mod.ts";
import type { Random } from "../../fuzz/random.ts";
import { drawBytes, drawFields, drawInt32 } from "../draw.ts";
import type { Subject } from "../subject.ts";
import {
  bytesWord,
  mapWord,
  readBytes,
  readText,
  sortedMapWord,
  textWord,
  toRecord,
} from "../words.ts";

// deno-lint-ignore no-control-regex
const SEPARATORS = /[\0-\x1f]/;

/** Properties that can be sent: what is blank or has a control character is refused. */
function drawProperties(random: Random, longest: number): Record<string, string> {
  const bounds = { without: SEPARATORS, longest };
  const fields = drawFields(random, { names: bounds, values: bounds, most: 6 });
  return toRecord(
    fields.filter(([name, value]) => name.trim() !== "" && value.trim() !== "").slice(0, 12),
  );
}

/** Properties of a message: equal texts, and each reads the other's. */
export const properties: Subject<Record<string, string>> = {
  name: "properties",
  draw: (random) => drawProperties(random, 500),
  describe: (drawn) => [mapWord(Object.entries(drawn)), textWord(encodeProperties(drawn))],
  compare(drawn, [text = "", read]): void {
    assertEquals(encodeProperties(drawn), readText(text), "the text");
    assertEquals(decodeProperties(readText(text)!), drawn, "Java's text, read here");
    assertEquals(read, sortedMapWord(Object.entries(drawn)), "our text, read by Java");
  },
};

/** Batches of messages: equal bytes, and each reads the other's. */
export const batches: Subject<Required<BatchMessage>[]> = {
  name: "batch",
  draw: (random) =>
    Array.from({ length: 1 + random.below(8) }, () => ({
      flag: drawInt32(random),
      properties: drawProperties(random, 200),
      body: drawBytes(random),
    })),
  describe: (drawn) => [
    describeBatch(drawn, mapWord),
    bytesWord(encodeBatch(drawn)),
  ],
  compare(drawn, [bytes = "", read]): void {
    assertEquals(bytesWord(encodeBatch(drawn)), bytes, "the bytes");
    assertEquals(decodeBatch(readBytes(bytes)), drawn, "Java's bytes, read here");
    assertEquals(read, describeBatch(drawn, sortedMapWord), "our bytes, read by Java");
  },
};

function describeBatch(messages: Required<BatchMessage>[], toWord: typeof mapWord): string {
  return messages.map(({ flag, properties, body }) =>
    [flag, toWord(Object.entries(properties)), bytesWord(body)].join(";")
  ).join("#");
}

/** What an offset message id is made of. */
interface DrawnId {
  ip: number[];
  port: number;
  offset: bigint;
}

/** Ids of messages by address and offset: equal texts, and each reads the other's. */
export const messageIds: Subject<DrawnId> = {
  name: "id",
  draw(random): DrawnId {
    const ip = Array.from({ length: random.oneIn(2) ? 4 : 16 }, () => random.below(256));
    const offset = BigInt.asIntN(64, BigInt(random.next()) << 32n | BigInt(random.next()));
    return {
      ip,
      port: random.oneIn(8) ? random.pick([0, 65_535]) : random.below(65_536),
      offset: random.oneIn(4) ? BigInt(random.below(1_000)) : offset,
    };
  },
  describe: (drawn) => [
    bytesWord(Uint8Array.from(drawn.ip)),
    String(drawn.port),
    String(drawn.offset),
    idOf(drawn),
  ],
  compare(drawn, [id = "", ip, port, offset]): void {
    assertEquals(idOf(drawn), id, "the text");
    const read = parseOffsetMessageId(id);
    assertEquals([read.port, read.offset], [drawn.port, drawn.offset], "Java's id, read here");
    assertEquals(
      createOffsetMessageId(read.host, read.port, read.offset),
      id,
      "the host, read here",
    );
    const expected = [bytesWord(Uint8Array.from(drawn.ip)), `${drawn.port}`, `${drawn.offset}`];
    assertEquals([ip, port, offset], expected, "our id, read by Java");
  },
};

function idOf({ ip, port, offset }: DrawnId): string {
  const groups = Array.from(
    { length: 8 },
    (_, i) => (ip[2 * i]! << 8 | ip[2 * i + 1]!).toString(16),
  );
  return createOffsetMessageId(ip.length === 4 ? ip.join(".") : groups.join(":"), port, offset);
}
