import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import {
  createRequest,
  createResponse,
  decodeCommand,
  DEFAULT_MAX_FRAME_SIZE,
  encodeCommand,
  InvalidArgumentError,
  isOneway,
  isResponse,
  nextOpaque,
  RemotingDecodeError,
  RequestCode,
  RocketMQError,
} from "../../src/remoting/internal.ts";
import { command, concat, frameOf, hex, utf8, words } from "./frames.ts";

const GOOD_HEADER = utf8('{"code":0,"opaque":1}');

Deno.test("frame - is length, header form and length, header, body", () => {
  const frame = encodeCommand(command({ body: utf8("hello") }));
  const view = new DataView(frame.buffer);
  const header = '{"code":0,"flag":0,"language":"OTHER","opaque":1,' +
    '"serializeTypeCurrentRPC":"JSON","version":475}';
  assertEquals(view.getInt32(0), frame.length - 4);
  assertEquals(view.getInt32(4), header.length);
  assertEquals(frame.subarray(8), utf8(`${header}hello`));
  const binary = encodeCommand(command({ serializeType: "ROCKETMQ" }));
  assertEquals(binary, hex("00000019 01000015 0000 07 01db 00000001 00000000 00000000 00000000"));
});

Deno.test("frame - a body is decoded as a view, not copied", () => {
  const frame = encodeCommand(command({ body: utf8("hello") }));
  const { body } = decodeCommand(frame);
  assertEquals(body.buffer, frame.buffer);
  assertEquals(new TextDecoder().decode(body), "hello");
});

Deno.test("frame - 16 MiB in all is the most, on both ways", () => {
  const header = encodeCommand(command()).length;
  const largest = command({ body: new Uint8Array(DEFAULT_MAX_FRAME_SIZE - header) });
  const frame = encodeCommand(largest);
  assertEquals(frame.length, 16_777_216);
  assertEquals(decodeCommand(frame).body.length, largest.body.length);
  assertThrows(
    () => encodeCommand({ ...largest, body: new Uint8Array(largest.body.length + 1) }),
    InvalidArgumentError,
    "the frame would have 16777217 bytes, at most 16777216 are allowed",
  );
  const tooLarge = frameOf(GOOD_HEADER, {
    body: new Uint8Array(DEFAULT_MAX_FRAME_SIZE + 1 - 8 - GOOD_HEADER.length),
  });
  const error = assertThrows(
    () => decodeCommand(tooLarge),
    RemotingDecodeError,
    "a length of 16777213 is over the limit of 16777212",
  );
  assertEquals([error.offset, error.limit], [0, 16_777_216]);
});

Deno.test("frame - a limit of one's own holds", () => {
  const frame = encodeCommand(command({ body: new Uint8Array(900) }));
  assertEquals(decodeCommand(frame, { maxFrameSize: frame.length }).body.length, 900);
  const error = assertThrows(
    () => decodeCommand(frame, { maxFrameSize: frame.length - 1 }),
    RemotingDecodeError,
  );
  assertEquals(error.limit, frame.length - 1);
});

Deno.test("frame - hostile lengths and forms are refused, each with a reason", () => {
  const cases: [name: string, frame: Uint8Array, reason: string][] = [
    ["A1 length 0", words(0), "a length of 0 is shorter than the header word"],
    ["A2 length 1", words(1, 0), "a length of 1 is shorter than the header word"],
    ["A2 length 2", words(2, 0), "a length of 2 is shorter than the header word"],
    ["A2 length 3", words(3, 0), "a length of 3 is shorter than the header word"],
    ["A3 length -1", words(-1, 0), "a length of -1 is shorter than the header word"],
    ["A3 length -2^31", words(0x80000000, 0), "a length of -2147483648 is shorter"],
    ["A4 length 2^31-1", words(0x7fffffff), "a length of 2147483647 is over the limit"],
    ["A6 length over the limit", words(16_777_213), "a length of 16777213 is over the limit"],
    ["A9 header over the end", concat([words(4 + 2, 3), new Uint8Array(2)]), "a header of 3 bytes"],
    ["A9 largest header", words(4, 0xffffff), "a header of 16777215 bytes does not fit"],
    ["A10 no header, a body", concat([words(6, 0), utf8("{}")]), "a header of 0 bytes"],
    ["A10 nothing at all", words(4, 0), "a header of 0 bytes"],
    ["A11 form 2", frameOf(GOOD_HEADER, { type: 2 }), "serialize type 2 is neither 0 (JSON) nor 1"],
    ["A11 form 127", frameOf(GOOD_HEADER, { type: 0x7f }), "serialize type 127 is neither"],
    ["A11 form 255", frameOf(GOOD_HEADER, { type: 0xff }), "serialize type 255 is neither"],
    ["no bytes", new Uint8Array(), "0 bytes are given"],
    ["3 bytes", new Uint8Array(3), "3 bytes are given"],
    [
      "a byte too few",
      frameOf(GOOD_HEADER).slice(0, -1),
      "28 bytes are given, the length field says 29",
    ],
    ["a byte too many", concat([frameOf(GOOD_HEADER), new Uint8Array(1)]), "30 bytes are given"],
  ];
  for (const [name, frame, reason] of cases) {
    const error = assertThrows(
      () => decodeCommand(frame),
      RemotingDecodeError,
      "Cannot decode frame: ",
      name,
    );
    assertStringIncludes(error.message, reason, name);
    assertInstanceOf(error, RocketMQError);
    assertEquals([error.name, error.code], ["RemotingDecodeError", "DECODE"]);
  }
});

Deno.test("frame - the error says what the peer seems to speak instead", () => {
  const cases: [name: string, bytes: Uint8Array, hint: string][] = [
    ["A7 HTTP answer", utf8("HTTP/1.1 400 Bad Request\r\n\r\n"), "this looks like HTTP"],
    ["A7 HTTP request", utf8("GET / HTTP/1.1\r\n\r\n"), "this looks like HTTP"],
    ["A8 TLS alert", hex("15 03 03 00 02 02 28"), "the peer speaks TLS"],
    ["A8 TLS ServerHello", hex("16 03 03 00 7a 02 00 00 76"), "the peer speaks TLS"],
    ["gRPC settings", hex("00 00 12 04 00 00 00 00 00 00 03"), "this looks like HTTP/2 (gRPC)"],
  ];
  for (const [name, bytes, hint] of cases) {
    const frame = concat([bytes, new Uint8Array(0x1204 + 4 - bytes.length)]);
    assertThrows(() => decodeCommand(frame), RemotingDecodeError, hint, name);
  }
});

Deno.test("frame - numbers that do not fit are refused before anything is written", () => {
  for (const field of ["code", "version", "opaque", "flag"] as const) {
    for (const value of [2 ** 31, -(2 ** 31) - 1, 1.5, NaN, Infinity]) {
      assertThrows(
        () => encodeCommand(command({ [field]: value })),
        InvalidArgumentError,
        `Cannot encode command: ${field} ${value} is not a 32-bit integer`,
      );
    }
    for (const value of [2 ** 31 - 1, -(2 ** 31)]) {
      assertEquals(decodeCommand(encodeCommand(command({ [field]: value })))[field], value);
    }
  }
});

Deno.test("opaque - wraps at the end of int32", () => {
  assertEquals(nextOpaque(0), 1);
  assertEquals(nextOpaque(2 ** 31 - 2), 2 ** 31 - 1);
  assertEquals(nextOpaque(2 ** 31 - 1), -(2 ** 31));
  assertEquals(nextOpaque(-1), 0);
  for (const serializeType of ["JSON", "ROCKETMQ"] as const) {
    let opaque = 2 ** 31 - 3;
    for (const expected of [2147483645, 2147483646, 2147483647, -2147483648, -2147483647]) {
      assertEquals(
        decodeCommand(encodeCommand(command({ opaque, serializeType }))).opaque,
        expected,
      );
      opaque = nextOpaque(opaque);
    }
  }
});

Deno.test("command - requests, one-way requests and responses differ by the flag only", () => {
  const request = createRequest({ code: RequestCode.HEART_BEAT, body: utf8("{}") }, 5);
  const oneway = createRequest({ code: RequestCode.END_TRANSACTION, remark: "why" }, 6, true);
  const response = createResponse({ opaque: 5, serializeType: "ROCKETMQ" }, {
    code: 2,
    remark: "busy",
  });
  assertEquals([request, oneway, response].map(isResponse), [false, false, true]);
  assertEquals([request, oneway, response].map(isOneway), [false, true, false]);
  assertEquals([request.opaque, request.language, request.version], [5, 7, 475]);
  assertEquals([oneway.remark, oneway.body.length], ["why", 0]);
  assertEquals([response.opaque, response.code, response.serializeType], [5, 2, "ROCKETMQ"]);
  // A29: with the response flag set, a request code is a response code.
  assertEquals(isResponse({ flag: 1 }), true);
  // A20: bits that are not known are kept and change nothing.
  const odd = decodeCommand(encodeCommand(command({ flag: 0x7ffffff1 })));
  assertEquals([odd.flag, isResponse(odd), isOneway(odd)], [0x7ffffff1, true, false]);
});
