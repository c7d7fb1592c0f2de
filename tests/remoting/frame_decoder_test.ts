import { assertEquals, assertLess, assertStrictEquals, assertThrows } from "@std/assert";
import {
  createRequest,
  decodeCommand,
  DEFAULT_MAX_FRAME_SIZE,
  encodeCommand,
  FrameDecoder,
  InvalidArgumentError,
  type RemotingCommand,
  RemotingDecodeError,
} from "../../src/remoting/mod.ts";
import {
  assertSameCommands,
  command,
  concat,
  fingerprint,
  frameOf,
  hex,
  seededRandom,
  utf8,
  words,
} from "./frames.ts";

const MIB = 1024 * 1024;

/** Three frames of different kinds, and what they hold. */
const sent: RemotingCommand[] = [
  command({ opaque: 1, extFields: { topic: "T" }, body: utf8("first") }),
  command({ opaque: 2, flag: 1, remark: "nö", serializeType: "ROCKETMQ" }),
  command({ opaque: 3, flag: 2, extFields: { k: "v" }, body: utf8("x".repeat(300)) }),
];
const stream = concat(sent.map(encodeCommand));

Deno.test("decoder - any three cuts of a stream give the same commands (A30)", () => {
  const expected = sent.map(fingerprint);
  for (let first = 0; first <= stream.length; first += 3) {
    for (let second = first; second <= stream.length; second += 7) {
      const third = Math.min(stream.length, second + 5);
      const decoder = new FrameDecoder();
      const pieces = [[0, first], [first, second], [second, third], [third, stream.length]];
      const got = pieces.flatMap(([from, to]) => decoder.push(stream.subarray(from, to)));
      assertSameCommands(got, expected, `cut at ${first}, ${second}, ${third}`);
    }
  }
  const decoder = new FrameDecoder();
  assertEquals([...stream].flatMap((byte) => decoder.push(Uint8Array.of(byte))), sent);
});

Deno.test("decoder - a thousand frames in one read (A30)", () => {
  const many = concat(
    Array.from({ length: 1000 }, (_, i) => encodeCommand(command({ opaque: i }))),
  );
  const got = new FrameDecoder().push(many);
  assertEquals(got.map((command) => command.opaque), Array.from({ length: 1000 }, (_, i) => i));
});

Deno.test("decoder - a frame that came in pieces does not depend on the reader's buffer", () => {
  const decoder = new FrameDecoder();
  const buffer = new Uint8Array(64);
  const got: RemotingCommand[] = [];
  for (let at = 0; at < stream.length; at += 64) {
    const piece = stream.subarray(at, at + 64);
    buffer.set(piece);
    got.push(...decoder.push(buffer.subarray(0, piece.length)));
    buffer.fill(0xff);
  }
  assertEquals(got, sent);
});

Deno.test("decoder - chunks that are views at an offset of a larger buffer", () => {
  const pool = new Uint8Array(stream.length + 200).fill(0xee);
  pool.set(stream, 123);
  const decoder = new FrameDecoder();
  const got = [
    ...decoder.push(pool.subarray(123, 123 + 77)),
    ...decoder.push(pool.subarray(123 + 77, 123 + stream.length)),
  ];
  assertEquals(got, sent);
});

Deno.test("decoder - an announced length takes no memory before its bytes come (A4, A34)", () => {
  const before = Deno.memoryUsage();
  const announced = words(DEFAULT_MAX_FRAME_SIZE - 4, 1000);
  const decoders = Array.from({ length: 100 }, () => {
    const decoder = new FrameDecoder();
    assertEquals(decoder.push(announced), []);
    assertEquals(decoder.push(new Uint8Array(500)), []);
    assertEquals(decoder.buffered, 508);
    return decoder;
  });
  const after = Deno.memoryUsage();
  // 100 frames of 16 MiB were announced.
  assertLess(after.external + after.heapUsed - before.external - before.heapUsed, 8 * MIB);
  assertEquals(decoders.length, 100);
});

Deno.test("decoder - the largest frame comes through in pieces, one byte more does not (A5, A6)", () => {
  const body = new Uint8Array(DEFAULT_MAX_FRAME_SIZE - encodeCommand(command()).length);
  body[body.length - 1] = 42;
  const frame = encodeCommand(command({ body }));
  assertEquals(frame.length, 16_777_216);
  const decoder = new FrameDecoder();
  const got: RemotingCommand[] = [];
  for (let at = 0; at < frame.length; at += 65_536) {
    got.push(...decoder.push(frame.subarray(at, at + 65_536)));
  }
  assertEquals([got.length, got[0]?.body.length, got[0]?.body.at(-1)], [1, body.length, 42]);
  assertEquals(decoder.buffered, 0);

  const error = assertThrows(
    () => new FrameDecoder().push(words(16_777_213)),
    RemotingDecodeError,
    "over the limit of 16777212",
  );
  assertEquals([error.offset, error.limit], [0, 16_777_216]);
});

Deno.test("decoder - a bad prefix is refused as soon as it is there, however it is cut", () => {
  const prefixes = [words(0), words(3), words(-1), words(0x7fffffff), utf8("HTTP")];
  const marks = [words(100, 0x02000010), words(100, 0xff000010), words(100, 97), words(100, 0)];
  for (const bytes of [...prefixes, ...marks]) {
    assertThrows(() => new FrameDecoder().push(bytes), RemotingDecodeError);
    const decoder = new FrameDecoder();
    for (const byte of bytes.subarray(0, -1)) assertEquals(decoder.push(Uint8Array.of(byte)), []);
    assertThrows(() => decoder.push(bytes.subarray(-1)), RemotingDecodeError);
  }
});

Deno.test("decoder - after a fault nothing is decoded any more", () => {
  const decoder = new FrameDecoder();
  assertEquals(decoder.push(stream).length, 3);
  assertEquals(decoder.push(stream.subarray(0, 20)), []);
  const error = assertThrows(
    () => decoder.push(concat([stream.subarray(20), hex("00000001 00000000")])),
    RemotingDecodeError,
    "a length of 1",
  );
  assertEquals(decoder.buffered, 0);
  assertStrictEquals(assertThrows(() => decoder.push(stream)), error);
  assertStrictEquals(assertThrows(() => decoder.push(new Uint8Array())), error);
  assertEquals(new FrameDecoder().push(stream), sent);
});

Deno.test("decoder - commands before a fault in the same chunk are handed out by pushInto", () => {
  const got: number[] = [];
  const chunk = concat([stream, frameOf("not json"), stream]);
  assertThrows(
    () => new FrameDecoder().pushInto(chunk, ({ opaque }) => got.push(opaque)),
    RemotingDecodeError,
    "not JSON",
  );
  assertEquals(got, [1, 2, 3]);
});

Deno.test("decoder - limits of one's own hold", () => {
  const limits = { maxFrameSize: 1000, maxExtFields: 2 };
  const large = encodeCommand(command({ body: new Uint8Array(1000) }));
  assertThrows(() => new FrameDecoder(limits).push(large.subarray(0, 4)), RemotingDecodeError);
  const fields = encodeCommand(command({ extFields: { a: "1", b: "2", c: "3" } }));
  assertThrows(() => new FrameDecoder(limits).push(fields), RemotingDecodeError, "extFields");
  assertEquals(new FrameDecoder(limits).push(stream), sent);
});

Deno.test("decoder - damaged streams give commands or the typed error, nothing else", () => {
  const random = seededRandom(2026);
  let refused = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = stream.slice();
    for (let flips = 1 + random() * 4; flips > 0; flips--) {
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    }
    try {
      for (const { body, extFields } of new FrameDecoder().push(bytes)) {
        assertLess(body.length, stream.length);
        assertLess(Object.keys(extFields).length, 100);
      }
    } catch (error) {
      if (!(error instanceof RemotingDecodeError)) throw error;
      refused++;
    }
  }
  assertLess(1000, refused);
});

Deno.test("FrameDecoder - what the caller's function throws is the caller's: the next frames are read", () => {
  const decoder = new FrameDecoder();
  const frame = encodeCommand(createRequest({ code: 10 }, 1));
  const fault = new TypeError("mine");
  for (let i = 0; i < 2; i++) {
    const thrown = assertThrows(
      () =>
        decoder.pushInto(concat([frame, frame, frame.subarray(0, 20)]), () => {
          throw fault;
        }),
      TypeError,
    );
    assertEquals(thrown, fault);
    assertEquals(decoder.push(frame.subarray(20)).length, 1);
  }
});

Deno.test("FrameDecoder - limits that would never hold are refused", () => {
  for (const value of [NaN, -1, 1.5, Infinity, "1" as unknown as number]) {
    for (const name of ["maxFrameSize", "maxExtFields"] as const) {
      const limits = { [name]: value };
      assertThrows(() => new FrameDecoder(limits), InvalidArgumentError, name);
      const frame = encodeCommand(createRequest({ code: 10 }, 1));
      assertThrows(() => decodeCommand(frame, limits), InvalidArgumentError, name);
    }
  }
});
