/**
 * Micro-benchmarks of the codec. In every group the first line is the floor: the same bytes only
 * copied. Where the header is JSON, a second floor is the engine's own JSON on the same text.
 *
 *     deno task bench:codec
 *     deno task bench:codec --filter "send request"
 *
 * @module
 */
import { decodeStoredMessage } from "../../src/message/mod.ts";
import {
  encodeCommand,
  FrameBuffer,
  FrameDecoder,
  type RemotingCommand,
  type RemotingRequest,
  type SerializeType,
} from "../../src/remoting/internal.ts";
import {
  readCheckTransactionStateRequest,
  readGetRouteInfoResponse,
} from "../../src/requests/mod.ts";
import { readSendMessageRequest } from "../../src/testing/requests.ts";
import {
  BODIES,
  checkBack,
  CHUNKS,
  cutStream,
  FORMS,
  headerOf,
  routeResponse,
  ROUTES,
  sampleCommand,
  SampleProducer,
} from "./codec_samples.ts";
import { createBody } from "./workload.ts";

const producer = new SampleProducer();

for (const form of FORMS) {
  for (const [name, size] of BODIES) {
    const body = createBody(size);
    const send = () => producer.send(body);
    benchEncode(`send request, ${form}, ${name}`, sampleCommand(send(), form), send);
    benchDecode(`send request, ${form}, ${name}`, sampleCommand(send(), form), (command) => {
      readSendMessageRequest(command);
    });
  }
  for (const [name, size] of BODIES) {
    const command = checkBack(size, form);
    benchEncode(`check-back, ${form}, ${name}`, command);
    benchDecode(`check-back, ${form}, ${name}`, command, (command) => {
      readCheckTransactionStateRequest(command);
      decodeStoredMessage(command.body);
    });
  }
  for (const [name, brokers] of ROUTES) {
    const command = routeResponse(brokers, form);
    benchEncode(`route, ${form}, ${name}`, command);
    benchDecode(`route, ${form}, ${name}`, command, (command) => {
      readGetRouteInfoResponse(command, { address: "127.0.0.1:9876" });
    });
  }
  for (const [name, size] of CHUNKS) benchStream(form, name, cutStream(form, size));
}

/** @param request Makes the request as the producer does, where it is the producer that sends it. */
function benchEncode(name: string, sample: RemotingCommand, request?: () => RemotingRequest): void {
  const command = { ...sample, extFields: { ...sample.extFields } };
  const group = `encode ${name}`, buffer = new FrameBuffer();
  const frame = encodeCommand(command);
  benchFloor(group, [frame]);
  if (command.serializeType === "JSON") {
    const header = JSON.parse(new TextDecoder().decode(headerOf(frame)));
    Deno.bench({ group, name: `${group}: JSON.stringify of the header` }, () => {
      JSON.stringify(header);
    });
    if (request) {
      Deno.bench({ group, name: `${group}: made and appended to a FrameBuffer` }, () => {
        buffer.clear();
        buffer.appendRequest(request(), 12_345);
      });
    }
  }
  Deno.bench({ group, name: `${group}: appended to a FrameBuffer` }, () => {
    buffer.clear();
    buffer.append(command);
  });
  Deno.bench({ group, name: `${group}: encodeCommand` }, () => {
    encodeCommand(command);
  });
}

/** @param read Reads the command as the client or broker does that gets it. */
function benchDecode(
  name: string,
  command: RemotingCommand,
  read: (command: RemotingCommand) => void,
): void {
  const group = `decode ${name}`, decoder = new FrameDecoder();
  const frame = encodeCommand(command);
  benchFloor(group, [frame]);
  if (command.serializeType === "JSON") {
    const header = new TextDecoder().decode(headerOf(frame));
    Deno.bench({ group, name: `${group}: JSON.parse of the header` }, () => {
      JSON.parse(header);
    });
  }
  Deno.bench({ group, name: `${group}: FrameDecoder` }, () => {
    decoder.pushInto(frame, ignore);
  });
  Deno.bench({ group, name: `${group}: FrameDecoder, fields and body read` }, () => {
    decoder.pushInto(frame, read);
  });
}

function benchStream(form: SerializeType, name: string, chunks: readonly Uint8Array[]): void {
  const group = `decode 256 KiB of frames, ${form}, chunks of ${name}`;
  const decoder = new FrameDecoder();
  benchFloor(group, chunks);
  Deno.bench({ group, name: `${group}: FrameDecoder` }, () => {
    for (const chunk of chunks) decoder.pushInto(chunk, ignore);
  });
}

/** Copies the same bytes into memory that is there. */
function benchFloor(group: string, chunks: readonly Uint8Array[]): void {
  const target = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  Deno.bench({ group, name: `${group}: memcpy`, baseline: true }, () => {
    let at = 0;
    for (const chunk of chunks) {
      target.set(chunk, at);
      at += chunk.length;
    }
  });
}

function ignore(): void {}
