import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  decodeCommand,
  encodeCommand,
  FrameDecoder,
  InvalidArgumentError,
  isOneway,
  isResponse,
  LanguageCode,
  languageCode,
  languageName,
  type RemotingCommand,
  RemotingDecodeError,
  RequestCode,
  ResponseCode,
} from "../../src/remoting/internal.ts";
import {
  type OfficialHeader,
  readFixture,
  readRecordedFrames,
  readVectors,
  type RecordedFrame,
} from "./fixtures.ts";
import {
  assertSameCommands,
  command,
  concat,
  decodeBase64,
  fingerprint,
  seededRandom,
} from "./frames.ts";

const recorded = readRecordedFrames();
const vectors = readVectors("headers");

/**
 * Compares with what Java makes of the same bytes. Ours has no null: an absent remark is undefined,
 * absent extFields are empty, a value without bytes in a binary header is "" (Java: null), and a
 * null in a JSON header is left out.
 */
function assertOfficial(actual: RemotingCommand, official: OfficialHeader, name: string): void {
  const json = official.serializeType === "JSON";
  const entries = Array.isArray(official.extFields)
    ? official.extFields
    : Object.entries(official.extFields ?? {});
  const extFields = Object.fromEntries(
    entries.filter(([, value]) => !json || value !== null).map((
      [key, value],
    ) => [key, value ?? ""]),
  );
  assertEquals(
    {
      code: actual.code,
      language: languageName(actual.language),
      version: actual.version,
      opaque: actual.opaque,
      flag: actual.flag,
      remark: actual.remark ?? null,
      extFields: actual.extFields,
      serializeType: actual.serializeType,
    },
    {
      code: official.code,
      language: official.language ?? "OTHER",
      version: official.version,
      opaque: official.opaque as number,
      flag: official.flag,
      remark: official.remark,
      extFields,
      serializeType: official.serializeType,
    },
    name,
  );
}

function assertBody(actual: RemotingCommand, { bodySummary, name, frame }: RecordedFrame): void {
  const view = new DataView(frame.buffer);
  const headerLength = view.getUint32(4) & 0xffffff;
  assertEquals(actual.body.length, view.getUint32(0) - 4 - headerLength, name);
  assertEquals(actual.body, frame.slice(8 + headerLength), name);
  if (bodySummary?.type === "message-body") {
    assertEquals(actual.body.length, bodySummary.wireBodyLength ?? 0, name);
    if (!bodySummary.compressed && bodySummary.body) {
      assertEquals(actual.body, decodeBase64(bodySummary.body), name);
    }
  }
}

Deno.test("recorded frames - each decodes to the values of the official library", () => {
  assertEquals(recorded.length, 1015);
  for (const line of recorded) {
    const decoded = decodeCommand(line.frame);
    assertOfficial(decoded, line.header, line.name);
    assertEquals(decoded.code, line.code, line.name);
    assertEquals(isResponse(decoded), line.direction === "response", line.name);
    assertEquals(isOneway(decoded), line.direction === "oneway", line.name);
    assertBody(decoded, line);
  }
});

Deno.test("recorded frames - what Java wrote encodes back to the same bytes", () => {
  let json = 0, binary = 0;
  for (const { frame, header, duplicateExtFields, name } of recorded) {
    if (header.language !== "JAVA") continue;
    // Ours writes a key once, and no extFields where Java writes an empty object.
    if (duplicateExtFields) continue;
    const isJson = header.serializeType === "JSON";
    if (isJson && header.extFields && Object.keys(header.extFields).length === 0) continue;
    assertEquals(encodeCommand(decodeCommand(frame)), frame, name);
    if (isJson) json++;
    else binary++;
  }
  assertEquals([json, binary], [637, 254]);
});

Deno.test("recorded frames - decoding what was encoded again changes nothing", () => {
  for (const { frame, name } of recorded) {
    const decoded = decodeCommand(frame);
    assertEquals(decodeCommand(encodeCommand(decoded)), decoded, name);
    const other: RemotingCommand = {
      ...decoded,
      serializeType: decoded.serializeType === "JSON" ? "ROCKETMQ" : "JSON",
    };
    if (other.remark === "" && other.serializeType === "ROCKETMQ") delete other.remark;
    assertEquals(decodeCommand(encodeCommand(other)), other, `${name}, other header form`);
  }
});

Deno.test("recorded frames - a cut at any byte changes nothing", () => {
  for (const { frame, name } of recorded) {
    const expected = [fingerprint(decodeCommand(frame))];
    const step = Math.ceil(frame.length / 300);
    for (let cut = 1; cut < frame.length; cut += cut < 300 ? 1 : step) {
      const decoder = new FrameDecoder();
      const first = decoder.push(frame.subarray(0, cut));
      assertEquals([first.length, decoder.buffered], [0, cut]);
      assertSameCommands(decoder.push(frame.subarray(cut)), expected, `${name} cut at ${cut}`);
      assertEquals(decoder.buffered, 0);
    }
  }
});

Deno.test("recorded frames - all in one chunk, byte by byte, or in random pieces: the same", () => {
  const stream = concat(recorded.map(({ frame }) => frame));
  const expected = recorded.map(({ frame }) => fingerprint(decodeCommand(frame)));
  assertSameCommands(new FrameDecoder().push(stream), expected, "one chunk");

  const decoder = new FrameDecoder();
  const commands: RemotingCommand[] = [];
  for (let at = 0; at < stream.length; at++) {
    commands.push(...decoder.push(stream.subarray(at, at + 1)));
  }
  assertSameCommands(commands, expected, "byte by byte");

  for (const [seed, largest] of [[1, 16], [2, 700], [3, 5000], [4, 70_000]] as const) {
    const random = seededRandom(seed);
    const inPieces: RemotingCommand[] = [];
    for (let at = 0; at < stream.length;) {
      const size = 1 + Math.floor(random() * largest);
      decoder.pushInto(stream.subarray(at, at + size), (command) => inPieces.push(command));
      at += size;
    }
    assertSameCommands(inPieces, expected, `pieces of up to ${largest} bytes`);
  }
  assertEquals(decoder.buffered, 0);
});

Deno.test("header vectors - commands encode to the bytes of the official library", async () => {
  const encoded = vectors.filter(({ kind }) => kind === "encode");
  for (const { name, input, expected } of encoded) {
    const fields: RemotingCommand = command({
      code: input.code,
      language: languageCode(input.language),
      version: input.version,
      opaque: input.opaque,
      flag: input.flag,
      extFields: readExtFields(input.extFields),
      body: decodeBase64(input.body ?? ""),
      serializeType: input.serializeType,
    });
    if (input.remark !== null) fields.remark = spell(input.remark);
    if (input.serializeType === "ROCKETMQ" && (input.code > 32767 || input.version > 32767)) {
      // Java cuts the number silently.
      assertThrows(() => encodeCommand(fields), InvalidArgumentError, "16 bits");
      assertOfficial(decodeCommand(decodeBase64(expected.frame)), expected.decoded, name);
      continue;
    }
    const frame = encodeCommand(fields);
    if (input.extFields?.length === 0 && input.serializeType === "JSON") {
      // Java writes an empty object, ours nothing.
      assertEquals(frame.length, expected.frameLength - '"extFields":{},'.length, name);
      assertOfficial(decodeCommand(frame), expected.decoded, name);
      continue;
    }
    assertEquals(frame.length, expected.frameLength, name);
    if (expected.frame) {
      assertEquals(frame, decodeBase64(expected.frame), name);
      assertOfficial(decodeCommand(frame), expected.decoded, name);
    }
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(frame)));
    const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    assertEquals(sha256, expected.sha256, name);
  }
  assertEquals(encoded.length, 21);
});

function readExtFields(extFields: [string, string | null][] | string | null) {
  const fields: Record<string, string> = {};
  if (typeof extFields === "string") {
    const [key, value] = extFields.split(" : ");
    fields[spell(key!)] = spell(value!);
  }
  for (const [key, value] of Array.isArray(extFields) ? extFields : []) {
    if (value !== null) fields[key] = value;
  }
  return fields;
}

/** `"r x 70000"` stands for 70000 times `r`. */
function spell(text: string): string {
  const [, char, count] = /^(.) x (\d+)$/.exec(text) ?? [];
  return count ? char!.repeat(Number(count)) : text;
}

/**
 * Where ours is stricter than Java: a header without `opaque` or `code`, numbers in quotes, objects
 * and arrays as values of extFields, and comments end the connection.
 */
function isRefusedHere(
  line: { name: string; error?: string; expected?: { opaqueMissing?: true } },
) {
  return line.error !== undefined || line.expected?.opaqueMissing === true ||
    ["x-json-0", "x-json-22", "x-json-29"].includes(line.name);
}

Deno.test("header vectors - odd and broken headers decode as in Java, or are refused", () => {
  const lines = vectors.filter(({ kind }) => kind.startsWith("decode"));
  let refused = 0;
  for (const line of lines) {
    const frame = decodeBase64(line.input.frame);
    if (isRefusedHere(line)) {
      refused++;
      assertThrows(
        () => decodeCommand(frame),
        RemotingDecodeError,
        "Cannot decode frame",
        line.name,
      );
      continue;
    }
    const decoded = decodeCommand(frame);
    assertOfficial(decoded, line.expected, line.name);
    // Java takes what is left over in a header for the body; ours goes by the header's length.
    const body = line.name === "x-trailing-bytes" ? btoa("BODY") : line.expected.body ?? "";
    assertEquals(decoded.body, decodeBase64(body), line.name);
  }
  assertEquals([lines.length, refused], [33, 20]);
});

Deno.test("header vectors - what is refused for a missing opaque decodes once it has one", () => {
  let mended = 0;
  for (const { kind, name, input, expected } of vectors) {
    if (kind !== "decode-json" || !expected?.opaqueMissing) continue;
    if (!/"code"/.test(input.headerText) || name === "x-json-22") continue;
    const text = input.headerText.replace("{", '{"opaque":77,');
    const json = new TextEncoder().encode(text);
    const frame = concat([new Uint8Array(8), json]);
    new DataView(frame.buffer).setInt32(0, json.length + 4);
    new DataView(frame.buffer).setInt32(4, json.length);
    assertOfficial(decodeCommand(frame), { ...expected, opaque: 77 }, name);
    mended++;
  }
  assert(mended >= 6, `${mended} vectors`);
});

Deno.test("constants - request, response and language codes are the official ones", () => {
  const constants = JSON.parse(readFixture("vectors/constants.json"));
  assertEquals({ ...RequestCode }, constants.requestCode);
  assertEquals({ ...ResponseCode }, constants.responseCode);
  assertEquals({ ...LanguageCode }, constants.languageCode);
});
