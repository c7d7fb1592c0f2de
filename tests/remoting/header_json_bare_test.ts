import { assertEquals, assertGreater, assertThrows } from "@std/assert";
import { decodeCommand, RemotingDecodeError } from "../../src/remoting/mod.ts";
import { readRecordedFrames } from "./fixtures.ts";
import { concat, frameOf, utf8 } from "./frames.ts";

/** What comes of a header: the command, or why it is refused. */
function outcome(header: Uint8Array): unknown {
  try {
    return decodeCommand(frameOf(header));
  } catch (error) {
    return error instanceof RemotingDecodeError ? error.message : error;
  }
}

/** White space in front has the header read like any JSON; it must make no difference. */
function assertReadAlike(header: Uint8Array): void {
  assertEquals(
    outcome(header),
    outcome(concat([utf8(" "), header])),
    new TextDecoder().decode(header),
  );
}

Deno.test("bare JSON header - recorded headers are read like any other JSON", () => {
  let count = 0;
  for (const { frame } of readRecordedFrames()) {
    if (frame[4] !== 0) continue;
    const size = new DataView(frame.buffer, frame.byteOffset).getUint32(4);
    assertReadAlike(frame.slice(8, 8 + size));
    count++;
  }
  assertGreater(count, 100);
});

const FIELDS = '{"queueId":"3","msgId":"7F00000100002A9F0000000000004A09"}';

/** A header as servers write it, with some of its parts replaced. */
function header(parts: Partial<Record<keyof typeof USUAL, string>> = {}): string {
  const { code, fields, flag, language, opaque, type, version, end } = { ...USUAL, ...parts };
  return `{"code":${code}${fields},"flag":${flag},"language":"${language}","opaque":${opaque}` +
    `,"serializeTypeCurrentRPC":"${type}","version":${version}${end}`;
}

const USUAL = {
  code: "0",
  fields: `,"extFields":${FIELDS}`,
  flag: "1",
  language: "JAVA",
  opaque: "255",
  type: "JSON",
  version: "513",
  end: "}",
};

Deno.test("bare JSON header - is read in full", () => {
  assertEquals(outcome(utf8(header({ code: "-12", opaque: "2147483647" }))), {
    code: -12,
    language: 0,
    version: 513,
    opaque: 2147483647,
    flag: 1,
    extFields: { queueId: "3", msgId: "7F00000100002A9F0000000000004A09" },
    body: new Uint8Array(),
    serializeType: "JSON",
  });
});

Deno.test("bare JSON header - what only looks like one is read like any other JSON", () => {
  const numbers = [
    "",
    "-",
    "-0",
    "00",
    "01",
    "1.0",
    "1e3",
    "999999999",
    "-2147483648",
    "2147483648",
    "-2147483649",
    "9999999999",
    "10000000000",
    "9".repeat(400),
  ];
  const fields = [
    "",
    ',"extFields":{}',
    ',"extFields":null',
    ',"extFields":[{}]',
    ',"extFields":{"a":1}',
    ',"extFields":{"a":9007199254740993,"b":true,"c":null}',
    ',"extFields":{"a":"1","a":"2","__proto__":"x","toString":"y","7":"z"}',
    ',"extFields":{"a":{"b":"c"}}',
    ',"extFields":{"a":"\\u0001\\"},\\"flag\\":"}',
    ',"extFields":{"a":"},","flag":"2"}',
    ',"extFields":{"a":"1"},"flag":2,"x":{}',
    ',"extFields":{"a":"1"},"extFields":{"b":"2"}',
    ',"extFields":{"a":"\u0001"}',
    ',"extFields":{"a":"é🚀\ufffd"}',
    ',"extFields":{"a":"1"',
    ',"extFields":}',
    ',"extFields":{"a":"1"} ',
    ',"EXTFIELDS":{}',
  ];
  const headers = [
    header(),
    header({ fields: "" }),
    ...numbers.flatMap((n) =>
      ["", USUAL.fields].flatMap((fields) => [
        header({ fields, code: n }),
        header({ fields, flag: n }),
        header({ fields, opaque: n }),
        header({ fields, version: n }),
      ])
    ),
    ...fields.map((text) => header({ fields: text })),
    ...["OTHER", "GO", "", "JAVAX", "JAV", 'JAVA","opaque":1,"language":"CPP'].map((language) =>
      header({ language })
    ),
    ...["ROCKETMQ", ""].map((type) => header({ type })),
    ...["", "} ", "}}", ',"remark":"no"}', ',"code":7}', ","].flatMap((end) => [
      header({ end }),
      header({ fields: "", end }),
    ]),
    ...["\\u000", "\u0001".repeat(5)].map((language) => header({ language })),
    ...["code", "extFields", "flag", "language", "opaque", "version", "}"].map((name) =>
      header().replaceAll(name, name.replace(/.$/, "X"))
    ),
    "{}",
    "}",
    '{"code":0',
    '{"code":0,"extFields":',
  ];
  for (const text of headers) {
    assertReadAlike(utf8(text));
    assertReadAlike(concat([utf8(text), Uint8Array.of(0xff)]));
  }
  const bad = utf8(header({ fields: ',"extFields":{"a":"?"}' }));
  bad[bad.indexOf(0x3f)] = 0xff;
  assertReadAlike(bad);
});

Deno.test("bare JSON header - the bound of extFields holds", () => {
  const frame = frameOf(header());
  assertEquals(decodeCommand(frame, { maxExtFields: 2 }).extFields.queueId, "3");
  assertThrows(
    () => decodeCommand(frame, { maxExtFields: 1 }),
    RemotingDecodeError,
    "Cannot decode frame: the header has 2 extFields, at most 1 are allowed",
  );
});
