import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  decodeCommand,
  encodeCommand,
  InvalidArgumentError,
  type RemotingCommand,
  RequestCode,
  ResponseCode,
  SerializeType,
} from "../../../src/remoting/mod.ts";
import type { Random } from "../../fuzz/random.ts";
import { drawBytes, drawFields, drawInt32, drawText } from "../draw.ts";
import type { Subject } from "../subject.ts";
import {
  bytesWord,
  mapWord,
  NONE,
  readBytes,
  sortedMapWord,
  textWord,
  toRecord,
} from "../words.ts";

/** A command, without the form of its header. */
type DrawnCommand = Omit<RemotingCommand, "serializeType">;

const CODES: readonly number[] = [...Object.values(RequestCode), ...Object.values(ResponseCode)];

/**
 * Commands in both forms of the header. The bytes have to be equal, where ours is given the fields in
 * the order of Java's hash map; what each reads from the bytes of the other has to be what was drawn.
 */
export const commands: Subject<DrawnCommand> = {
  name: "command",
  draw(random: Random): DrawnCommand {
    const remark = random.oneIn(3) ? undefined : drawText(random);
    return {
      code: random.oneIn(3) ? drawInt32(random) : random.pick(CODES),
      language: random.below(14),
      version: random.oneIn(4) ? drawInt32(random) : 400 + random.below(120),
      opaque: random.oneIn(3) ? drawInt32(random) : random.below(2 ** 31),
      flag: random.oneIn(4) ? drawInt32(random) : random.below(4),
      ...remark === undefined ? {} : { remark },
      extFields: toRecord(drawFields(random, {})),
      body: drawBytes(random),
    };
  },
  describe(drawn: DrawnCommand): string[] {
    const { code, language, version, opaque, flag, remark, extFields, body } = drawn;
    return [
      ...[code, language, version, opaque, flag].map(String),
      textWord(remark),
      mapWord(Object.entries(extFields)),
      bytesWord(body),
      bytesWord(encodeCommand({ ...drawn, serializeType: SerializeType.JSON })),
      fitsBinary(drawn)
        ? bytesWord(encodeCommand({ ...drawn, serializeType: SerializeType.ROCKETMQ }))
        : NONE,
    ];
  },
  compare(drawn: DrawnCommand, answer: readonly string[]): void {
    const [json = "", binary = "", readJson, readBinary] = answer;
    compareForm(drawn, SerializeType.JSON, json, readJson);
    if (fitsBinary(drawn)) compareForm(drawn, SerializeType.ROCKETMQ, binary, readBinary);
    // Java cuts such numbers without a word.
    else {assertThrows(() =>
        encodeCommand({ ...drawn, serializeType: "ROCKETMQ" }), InvalidArgumentError);}
  },
};

/** Whether the binary header has room for its code and version. */
function fitsBinary({ code, version }: DrawnCommand): boolean {
  return code << 16 >> 16 === code && version << 16 >> 16 === version;
}

function compareForm(
  drawn: DrawnCommand,
  serializeType: SerializeType,
  frame: string,
  readByJava: string | undefined,
): void {
  const bytes = readBytes(frame);
  const read = decodeCommand(bytes);
  assertEquals(read, expectedOf(drawn, serializeType), `${serializeType} of Java, read here`);
  const extFields = inOrderOf(read.extFields, drawn.extFields);
  const ours = encodeCommand({ ...drawn, serializeType, extFields });
  assertEquals(bytesWord(ours), frame, `${serializeType}, the bytes`);
  compareReadByJava(drawn, serializeType, readByJava);
}

/** What is to be read here: the binary header can't tell an empty remark from none. */
function expectedOf(drawn: DrawnCommand, serializeType: SerializeType): RemotingCommand {
  const { remark, ...rest } = drawn;
  const isThere = remark !== undefined && (remark !== "" || serializeType === SerializeType.JSON);
  return { ...rest, ...isThere ? { remark } : {}, serializeType };
}

/**
 * The JSON reader of the official library throws at a name with an escape and a character beyond
 * U+FFFF, in the bytes that the library itself wrote, too.
 */
function isUnreadable(name: string): boolean {
  // deno-lint-ignore no-control-regex
  return /[\u{10000}-\u{10ffff}]/u.test(name) && /["\\\0-\x1f]/.test(name);
}

function compareReadByJava(
  drawn: DrawnCommand,
  serializeType: SerializeType,
  read: string | undefined,
): void {
  if (serializeType === SerializeType.JSON && Object.keys(drawn.extFields).some(isUnreadable)) {
    assertStringIncludes(
      read ?? "",
      "refused: com.alibaba.fastjson2.JSONException: malformed input",
    );
  } else {
    assertEquals(read, wordOf(drawn, serializeType), `${serializeType} of ours, read by Java`);
  }
}

/** What is to be read by Java, in its words: of the binary header it reads empty texts as null. */
function wordOf(drawn: DrawnCommand, serializeType: SerializeType): string {
  const isJson = serializeType === SerializeType.JSON;
  const read = (text: string | undefined) => text === "" && !isJson ? undefined : text;
  const { code, language, version, opaque, flag, remark, extFields, body } = drawn;
  return [
    ...[code, language, version, opaque, flag],
    textWord(read(remark)),
    sortedMapWord(Object.entries(extFields).map(([name, value]) => [name, read(value)])),
    bytesWord(body),
    serializeType,
  ].join(";");
}

/** The drawn fields, in the order of others. */
export function inOrderOf(
  order: Readonly<Record<string, string>>,
  fields: Readonly<Record<string, string>>,
): Record<string, string> {
  const places = new Map(Object.keys(order).map((name, place) => [name, place]));
  const place = (name: string) => places.get(name) ?? Infinity;
  return toRecord(Object.entries(fields).sort(([a], [b]) => place(a) - place(b)));
}
