import { assertEquals, assertGreater } from "@std/assert";
import { FieldShapes } from "../../src/remoting/field_shapes.ts";
import { decodeCommand, FrameDecoder, RemotingDecodeError } from "../../src/remoting/mod.ts";
import { readRecordedFrames } from "./fixtures.ts";
import { frameOf, utf8 } from "./frames.ts";

/** What a decoder that has seen other frames before makes of one, or why it is refused. */
function outcomeAfter(before: readonly Uint8Array[], frame: Uint8Array): unknown {
  const decoder = new FrameDecoder();
  for (const earlier of before) decoder.push(earlier);
  try {
    return decoder.push(frame)[0];
  } catch (error) {
    return error instanceof RemotingDecodeError ? error.message : error;
  }
}

function outcome(frame: Uint8Array): unknown {
  try {
    return decodeCommand(frame);
  } catch (error) {
    return error instanceof RemotingDecodeError ? error.message : error;
  }
}

function response(fields: string, opaque = 7): Uint8Array {
  return frameOf(utf8(
    `{"code":0,"extFields":${fields},"flag":1,"language":"JAVA","opaque":${opaque}` +
      `,"serializeTypeCurrentRPC":"JSON","version":513}`,
  ));
}

const SENT = '{"queueId":"3","msgId":"7F00000100002A9F0000000000004A09","traceOn":"true"}';

Deno.test("FrameDecoder - recorded frames are read alike by a decoder that knows their like", () => {
  const frames = readRecordedFrames().map(({ frame }) => frame);
  const decoder = new FrameDecoder();
  for (let round = 0; round < 3; round++) {
    for (const frame of frames) assertEquals(decoder.push(frame), [decodeCommand(frame)]);
  }
  assertGreater(frames.length, 100);
});

Deno.test("FrameDecoder - a header is read alike whatever the one before it was", () => {
  const fields = [
    SENT,
    "{}",
    '{"queueId":"","msgId":"","traceOn":""}',
    '{"queueId":"3","msgId":"7F00000100002A9F0000000000004A09","traceOn":"true","regionId":"r"}',
    '{"queueId":"3","msgId":"7F00000100002A9F0000000000004A09"}',
    '{"msgId":"7F00000100002A9F0000000000004A09","queueId":"3","traceOn":"true"}',
    '{"queueId":"3","queueId":"4","traceOn":"true"}',
    '{"queueId":3,"msgId":"7F","traceOn":true}',
    '{"queueId":"3","msgId":null,"traceOn":"true"}',
    '{"queueId":"3","msgId":"a\\u0001b","traceOn":"\\"true"}',
    '{"queueId":"3","msgId":"é🚀\ufffd","traceOn":"true"}',
    '{"queueId":"3","msgId":"\u0001","traceOn":"\u007f"}',
    '{ "queueId":"3","msgId":"7F","traceOn":"true"}',
    '{"queueId":"3","msgId":"7F","traceOn":"true" }',
    '{"queueId":"3","msgId":"},{","traceOn":":,\\""}',
    '{"queueId":"3","msgId":"7F","traceOn":"true}',
    '{"7":"x","queueId":"3","__proto__":"y","toString":"z"}',
    '{"":"x"}',
    '{"é":"1","😀":"4","～":"5","z":"2"}',
    '{"queueId":"3","\u007f":"4","msgId":"5"}',
    '{"queue\\u0049d":"3","ms\\"gId":"5"}',
  ].map((text) => response(text));
  for (const first of fields) {
    const before = typeof outcome(first) === "string" ? [] : [first, first];
    for (const second of fields) assertEquals(outcomeAfter(before, second), outcome(second));
  }
});

Deno.test("FrameDecoder - a byte that is changed is read alike by a decoder that knows the rest", () => {
  const frame = response(SENT), start = frame.indexOf(0x7b, 12);
  for (let at = start; at < start + SENT.length; at++) {
    for (const byte of [0x00, 0x1f, 0x22, 0x2c, 0x30, 0x3a, 0x5c, 0x7d, 0x7f, 0x80, 0xc3, 0xff]) {
      const changed = frame.slice();
      changed[at] = byte;
      assertEquals(outcomeAfter([frame, frame], changed), outcome(changed), `${byte} at ${at}`);
    }
  }
});

Deno.test("FieldShapes - reads by its shape what was learned, and nothing else", () => {
  const shapes = new FieldShapes(), header = utf8(SENT);
  assertEquals(shapes.read(0, header, 0, header.length), undefined);
  const fields = JSON.parse(SENT);
  shapes.learn(0, fields);
  const other = utf8(SENT.replace('"3"', '"14"'));
  assertEquals(shapes.read(0, other, 0, other.length), { ...fields, queueId: "14" });
  assertEquals(shapes.read(39, header, 0, header.length), undefined);
  assertEquals(shapes.read(0, header, 0, header.length - 1), undefined);
});

Deno.test("FieldShapes - a peer that changes its fields all the time is not learned from for ever", () => {
  const shapes = new FieldShapes();
  for (let i = 0; i < 100; i++) shapes.learn(i, { [`name${i}`]: "value" });
  const read = (i: number) => {
    const text = utf8(`{"name${i}":"other"}`);
    return shapes.read(i, text, 0, text.length);
  };
  const known = Array.from({ length: 100 }, (_, i) => read(i)).filter((fields) => fields);
  assertEquals(known.length, 8);
  assertEquals(read(99), undefined);
});
