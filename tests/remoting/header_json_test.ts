import {
  assertEquals,
  assertFalse,
  assertLess,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  decodeCommand,
  encodeCommand,
  InvalidArgumentError,
  languageName,
  type RemotingCommand,
  RemotingDecodeError,
} from "../../src/remoting/internal.ts";
import { command, concat, frameOf, protoAccessor, utf8 } from "./frames.ts";

function decode(header: string): RemotingCommand {
  return decodeCommand(frameOf(header));
}

function extFieldsOf(extFields: string): Record<string, string> {
  return decode(`{"code":0,"opaque":1,"extFields":${extFields}}`).extFields;
}

function assertRefused(header: string | Uint8Array, reason: string, name = String(header)): void {
  const error = assertThrows(
    () => decodeCommand(frameOf(header)),
    RemotingDecodeError,
    "Cannot decode frame: ",
    name.slice(0, 80),
  );
  assertStringIncludes(error.message, reason, name.slice(0, 80));
  assertLess(error.message.length, 200);
}

Deno.test("JSON header - any text comes back as it was", () => {
  const nasty = 'KEYS\u0001k1 k2\u0002 "quoted" \\ \b\f\n\r\t\u0000\u007f\u2028 é 世界 🚀';
  const sent = command({ remark: nasty, extFields: { i: nasty, [nasty]: "", "": "empty name" } });
  const frame = encodeCommand(sent);
  assertEquals(decodeCommand(frame), sent);
  assertFalse(new TextDecoder().decode(frame.subarray(8)).includes("\u0001"));
});

for (const serializeType of ["JSON", "ROCKETMQ"] as const) {
  Deno.test(`${serializeType} header - a field that is no text is refused with its name`, () => {
    for (const value of [3, false, undefined, null, {}]) {
      const extFields = { topic: "T", queueId: value } as unknown as Record<string, string>;
      assertThrows(
        () => encodeCommand(command({ extFields, serializeType })),
        InvalidArgumentError,
        'the value of extField "queueId" is not text',
      );
    }
  });

  Deno.test(`${serializeType} header - a language that is no byte is refused`, () => {
    for (const language of [300, -1, 1.5, NaN]) {
      assertThrows(
        () => encodeCommand(command({ language, serializeType })),
        InvalidArgumentError,
        `language ${language} is not an integer from 0 to 255`,
      );
    }
  });
}

Deno.test("JSON header - absent members have defaults, unknown ones are ignored", () => {
  assertEquals(decode('{"code":34,"opaque":5}'), {
    code: 34,
    language: 0,
    version: 0,
    opaque: 5,
    flag: 0,
    extFields: {},
    body: new Uint8Array(),
    serializeType: "JSON",
  });
  const more =
    ' { "future" : { "x" : [ 1, {} ] }, "code" : 0, "opaque" : 3, "remark" : null, "extFields" : null } ';
  assertEquals([decode(more).opaque, decode(more).remark], [3, undefined]);
});

Deno.test("JSON header - an empty remark stays an empty remark", () => {
  assertEquals(decode('{"code":0,"opaque":1,"remark":""}').remark, "");
  assertEquals(decodeCommand(encodeCommand(command({ remark: "" }))).remark, "");
});

Deno.test("JSON header - a language nobody knows is OTHER", () => {
  for (
    const language of ['"DENO"', '""', "null", "1e300", "-1", "256", "1.5", "{}", '"toString"']
  ) {
    assertEquals(decode(`{"code":0,"opaque":1,"language":${language}}`).language, 7, language);
  }
  assertEquals(decode('{"code":0,"opaque":1,"language":"RUST"}').language, 12);
  assertEquals(decode('{"code":0,"opaque":1,"language":13}').language, 13);
  assertEquals([languageName(9), languageName(99)], ["GO", "OTHER"]);
});

Deno.test("JSON header - what is not one JSON object is refused (A12-A14)", () => {
  assertRefused('{"code":0,"opaque":1', "not JSON");
  assertRefused('{"code":0,"opaque":1,"extFields":{"a":"b', "not JSON");
  assertRefused('{"code":0,"opaque":1}x', "not JSON");
  assertRefused('{"code":0,"opaque":1}{}', "not JSON");
  assertRefused("{'code':0,'opaque':1}", "not JSON");
  assertRefused('{code:0,"opaque":1}', "not JSON");
  assertRefused('{"code":0,/*c*/"opaque":1}', "not JSON");
  assertRefused('\ufeff{"code":0,"opaque":1}', "not JSON");
  for (const json of ["null", "[]", '"x"', "1", "true"]) assertRefused(json, "not a JSON object");
  const latin1 = concat([utf8('{"code":0,"opaque":1,"remark":"'), Uint8Array.of(0xe9), utf8('"}')]);
  assertRefused(latin1, "not UTF-8", "latin-1");
  const surrogate = concat([
    utf8('{"code":0,"opaque":1,"remark":"'),
    Uint8Array.of(0xed, 0xa0, 0x80),
    utf8('"}'),
  ]);
  assertRefused(surrogate, "not UTF-8", "surrogate");
});

Deno.test("JSON header - code and opaque must be 32-bit integers (A18, A19)", () => {
  assertRefused('{"opaque":1}', '"code" is missing');
  assertRefused('{"code":0}', '"opaque" is missing');
  for (
    const value of ['"1"', "1.5", "1e30", "2147483648", "-2147483649", "null", "true", "[1]", "{}"]
  ) {
    for (const name of ["code", "opaque", "flag", "version"]) {
      assertRefused(
        `{"code":0,"opaque":1,"${name}":${value}}`,
        `"${name}" is not a 32-bit integer`,
      );
    }
  }
  assertEquals(decode('{"code":2147483647,"opaque":-2147483648}').opaque, -2147483648);
  assertRefused('{"code":0,"opaque":1,"remark":5}', '"remark" is not text');
});

Deno.test("JSON header - names of Object.prototype are plain data (A16)", () => {
  using _ = protoAccessor();
  const text =
    '{"__proto__":"p","constructor":"c","toString":"t","hasOwnProperty":5,"valueOf":null}';
  const fields = extFieldsOf(text);
  assertEquals(Object.entries(fields).sort(), [
    ["__proto__", "p"],
    ["constructor", "c"],
    ["hasOwnProperty", "5"],
    ["toString", "t"],
  ]);
  assertEquals(({} as Record<string, unknown>).p, undefined);
  assertEquals(Object.getPrototypeOf(fields), Object.prototype);
  assertEquals(Object.keys(extFieldsOf('{"__proto__":7}')), ["__proto__"]);
  const again = decodeCommand(encodeCommand(command({ extFields: fields })));
  assertEquals(Object.entries(again.extFields).sort(), Object.entries(fields).sort());
});

Deno.test("JSON header - of a key that comes twice the last one counts (A17)", () => {
  assertEquals(extFieldsOf('{"a":"1","b":"x","a":"2"}'), { a: "2", b: "x" });
  assertEquals(decode('{"code":1,"opaque":1,"code":2}').code, 2);
});

Deno.test("JSON header - numbers in extFields become their own text, nulls are left out (A21)", () => {
  const text =
    '{"n":1,"long":9223372036854775807,"f":1.50,"e":1e3,"b":true,"no":false,"s":"x","z":null}';
  assertEquals(extFieldsOf(text), {
    n: "1",
    long: "9223372036854775807",
    f: "1.50",
    e: "1e3",
    b: "true",
    no: "false",
    s: "x",
  });
  for (const fields of ["[]", '["a"]', '"x"', "5", "true"]) {
    assertRefused(`{"code":0,"opaque":1,"extFields":${fields}}`, '"extFields" is not an object');
  }
  for (const value of ["{}", "[]", "[1]", '{"a":"b"}']) {
    assertRefused(
      `{"code":0,"opaque":1,"extFields":{"k":${value}}}`,
      "a value of extFields is an object or an array",
    );
  }
});

Deno.test("JSON header - a number in extFields is not mixed up with a namesake elsewhere", () => {
  const header =
    '{"extFields":{"code":5,"flag":3,"x":1},"other":{"x":8},"code":310,"flag":2,"opaque":1}';
  const decoded = decode(header);
  assertEquals(decoded.extFields, { code: "5", flag: "3", x: "1" });
  assertEquals([decoded.code, decoded.flag], [310, 2]);
});

Deno.test("JSON header - deep nesting ends in the typed error, never in a full stack (A15)", () => {
  for (const depth of [1000, 10_000, 30_000, 100_000, 2_000_000]) {
    const nested = "[".repeat(depth) + "]".repeat(depth);
    for (const extFields of ["{}", '{"n":1}']) {
      const header = `{"code":0,"opaque":1,"extFields":${extFields},"x":${nested}}`;
      try {
        assertEquals(decode(header).opaque, 1);
      } catch (error) {
        if (!(error instanceof RemotingDecodeError)) throw error;
        assertLess(1000, depth);
      }
    }
  }
  assertRefused("[".repeat(100_000), "");
  assertRefused(`{"code":0,"opaque":1,"x":${"[".repeat(100_000)}`, "");
});

Deno.test("JSON header - more than 4096 extFields are refused (A25)", () => {
  const entries = (count: number, value = "") =>
    `{${Array.from({ length: count }, (_, i) => `"k${i}":"${value}"`).join()}}`;
  assertEquals(Object.keys(extFieldsOf(entries(4096))).length, 4096);
  assertEquals(Object.keys(extFieldsOf(entries(4096, '{\\",[:'.repeat(3)))).length, 4096);
  assertRefused(`{"code":0,"opaque":1,"extFields":${entries(4097)}}`, "at most 4096 are allowed");
  const limited = frameOf(`{"code":0,"opaque":1,"extFields":${entries(3)}}`);
  assertEquals(Object.keys(decodeCommand(limited, { maxExtFields: 3 }).extFields).length, 3);
  const error = assertThrows(
    () => decodeCommand(limited, { maxExtFields: 2 }),
    RemotingDecodeError,
  );
  assertEquals(error.limit, 2);
});

Deno.test("JSON header - a million values are refused before they become objects (A25)", () => {
  const million = Array.from({ length: 1_000_000 }, (_, i) => `"${i}":""`).join();
  const arrays = "[],".repeat(3_000_000);
  for (const part of [`"extFields":{${million}}`, `"x":{${million}}`, `"x":[${arrays}0]`]) {
    const frame = frameOf(`{"code":0,"opaque":1,${part}}`);
    const before = Deno.memoryUsage().heapUsed;
    const error = assertThrows(() => decodeCommand(frame), RemotingDecodeError, "4096");
    assertEquals(error.limit, 4096);
    assertLess(Deno.memoryUsage().heapUsed - before, 8 * 1024 * 1024);
  }
  // Quotes, commas and brackets inside of a long text are not values.
  const text = '\\",[{'.repeat(200_000);
  assertEquals(decode(`{"code":0,"opaque":1,"remark":"${text}"}`).remark?.length, 800_000);
});
