import { assertEquals, assertRejects } from "@std/assert";
import {
  encodeCommand,
  InvalidArgumentError,
  type RemotingCommand,
  RemotingCommandDecoderStream,
  RemotingCommandEncoderStream,
  RemotingDecodeError,
} from "../../src/remoting/mod.ts";
import { command, concat, utf8, words } from "./frames.ts";

const sent: RemotingCommand[] = [
  command({ opaque: 1, body: utf8("first") }),
  command({ opaque: 2, serializeType: "ROCKETMQ", extFields: { k: "v" } }),
  command({ opaque: 3, remark: "third" }),
];

function pieces(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  const count = Math.ceil(bytes.length / size);
  return ReadableStream.from(
    Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size)),
  );
}

Deno.test("streams - commands go through bytes in pieces of any size and come back", async () => {
  for (const size of [1, 7, 64, 10_000]) {
    const frames = await Array.fromAsync(
      ReadableStream.from(sent).pipeThrough(new RemotingCommandEncoderStream()),
    );
    assertEquals(frames, sent.map(encodeCommand));
    const back = pieces(concat(frames), size).pipeThrough(new RemotingCommandDecoderStream());
    assertEquals(await Array.fromAsync(back), sent);
  }
});

Deno.test("streams - an end in the middle of a frame is an error, an end between frames is not", async () => {
  const bytes = concat(sent.map(encodeCommand));
  const got: number[] = [];
  await assertRejects(
    async () => {
      const cut = pieces(bytes.subarray(0, -1), 50);
      for await (const { opaque } of cut.pipeThrough(new RemotingCommandDecoderStream())) {
        got.push(opaque);
      }
    },
    RemotingDecodeError,
    "the stream ended",
  );
  assertEquals(got, [1, 2]);
  const none = pieces(new Uint8Array(), 1).pipeThrough(new RemotingCommandDecoderStream());
  assertEquals(await Array.fromAsync(none), []);
});

Deno.test("streams - commands before a fault in the same chunk come out, then the error", async () => {
  const bytes = concat([...sent.map(encodeCommand), words(1, 0)]);
  const reader = pieces(bytes, bytes.length)
    .pipeThrough(new RemotingCommandDecoderStream({ maxFrameSize: 4096 })).getReader();
  await assertRejects(
    async () => {
      for (;;) if ((await reader.read()).done) return;
    },
    RemotingDecodeError,
    "a length of 1",
  );
});

Deno.test("streams - limits reach the decoder", async () => {
  const bytes = encodeCommand(command({ body: new Uint8Array(200) }));
  await assertRejects(
    () =>
      Array.fromAsync(
        pieces(bytes, 10).pipeThrough(new RemotingCommandDecoderStream({ maxFrameSize: 100 })),
      ),
    RemotingDecodeError,
    "over the limit of 96",
  );
});

Deno.test("streams - a command that can't be written fails the stream", async () => {
  const stream = ReadableStream.from([command({ opaque: 2 ** 31 })]);
  await assertRejects(
    () => Array.fromAsync(stream.pipeThrough(new RemotingCommandEncoderStream())),
    InvalidArgumentError,
    "opaque 2147483648",
  );
});
