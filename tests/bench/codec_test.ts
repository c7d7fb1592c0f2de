import { assert, assertEquals, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import { decodeStoredMessage } from "../../src/message/mod.ts";
import {
  decodeCommand,
  encodeCommand,
  FrameBuffer,
  FrameDecoder,
  type RemotingCommand,
} from "../../src/remoting/internal.ts";
import { readGetRouteInfoResponse, readSendMessageResponse } from "../../src/requests/mod.ts";
import { readSendMessageRequest } from "../../src/testing/requests.ts";
import {
  checkBack,
  cutStream,
  emptyResponse,
  FORMS,
  headerOf,
  routeResponse,
  sampleCommand,
  SampleProducer,
  sendResponse,
} from "./codec_samples.ts";
import { measureCosts } from "./stopwatch.ts";
import { createBody } from "./workload.ts";

Deno.test("codec samples - are what clients and servers send, in both forms", () => {
  const producer = new SampleProducer(), context = { address: "127.0.0.1:10911" };
  for (const form of FORMS) {
    const send = reread(sampleCommand(producer.send(createBody(128)), form));
    assertEquals(readSendMessageRequest(send).topic, "bench_deno_tx");
    assertEquals(send.body, createBody(128));
    const end = reread(sampleCommand(producer.end(), form));
    assertEquals(Object.keys(end.extFields).length, 9);
    assertEquals(readSendMessageResponse(reread(sendResponse(form)), context).queueId, 3);
    assertEquals(reread(emptyResponse(form)).extFields, {});
    const half = decodeStoredMessage(reread(checkBack(4096, form)).body);
    assertEquals(half.body, createBody(4096));
    const route = readGetRouteInfoResponse(reread(routeResponse(4096, form)), context);
    assertEquals(route?.brokerDatas.length, 4096);
  }
});

/** The command as it comes out of its frame, which has to be the same from a FrameBuffer. */
function reread(command: RemotingCommand): RemotingCommand {
  const frame = encodeCommand(command), buffer = new FrameBuffer();
  assertEquals(buffer.bytesBetween(0, buffer.append(command)), frame);
  const decoded = decodeCommand(frame);
  assertEquals(decoded, { ...command, extFields: { ...command.extFields } });
  return decoded;
}

Deno.test("codec samples - a stream that was cut gives whole commands only", () => {
  for (const form of FORMS) {
    const counts = [1, 7, 65_536].map((size) => {
      const chunks = cutStream(form, size, 20_000), decoder = new FrameDecoder();
      for (const chunk of chunks.slice(0, -1)) assertEquals(chunk.length, size);
      const commands = chunks.flatMap((chunk) => decoder.push(chunk));
      assertEquals(decoder.buffered, 0);
      return commands.length;
    });
    assert(counts[0]! > 40, `${counts[0]} commands`);
    assertEquals(new Set(counts).size, 1, `${counts}`);
  }
});

Deno.test("codec samples - the header is found in a frame", () => {
  const frame = encodeCommand(sampleCommand({ code: 34, body: createBody(99) }, "JSON"));
  assertEquals(JSON.parse(new TextDecoder().decode(headerOf(frame))).code, 34);
});

Deno.test("measureCosts() - calls every subject and gives what one call costs", () => {
  const calls = { a: 0, b: 0 };
  const costs = measureCosts(
    { a: () => void calls.a++, b: () => void calls.b++ },
    { rounds: 5, length: 0.1 },
  );
  assert(calls.a > 0 && calls.b > 0);
  for (const { best, median } of Object.values(costs)) {
    assert(best >= 0);
    assertLessOrEqual(best, median);
  }
});

/** Runs the command; gives exit code and output. */
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const main = new URL("codec_figures.ts", import.meta.url).href;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", main, ...args],
    cwd: new URL("../../", import.meta.url),
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

Deno.test("deno task bench:codec-figures - tells its usage, and refuses what is no option", async () => {
  const help = await run("--help");
  assertEquals([help.code, help.err], [0, ""]);
  assertStringIncludes(help.out, "Usage: deno task bench:codec-figures");
  const wrong = await run("--fast");
  assertEquals([wrong.code, wrong.out], [2, ""]);
  assertStringIncludes(wrong.err, "Cannot use --fast: it is no option");
});
