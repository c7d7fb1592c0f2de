import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { BrokerResponseError, ProtocolError } from "../../src/errors.ts";
import type { RemotingCommand, RemotingRequest } from "../../src/remoting/mod.ts";
import type { ResponseContext } from "../../src/requests/mod.ts";
import { command, utf8 } from "../remoting/frames.ts";

/** Where the answers of these tests come from. */
export const context: ResponseContext = {
  address: "10.0.0.1:10911",
  brokerName: "broker-a",
  topic: "TopicTest",
};

/** A response for tests. */
export function response(
  fields: Partial<Omit<RemotingCommand, "body">> & { body?: Uint8Array | string } = {},
): RemotingCommand {
  const body = typeof fields.body === "string" ? utf8(fields.body) : fields.body;
  return command({ flag: 1, ...fields, body: body ?? new Uint8Array() });
}

/** The command that a request becomes. */
export function sent(request: RemotingRequest): RemotingCommand {
  return command({
    code: request.code,
    extFields: request.extFields ?? {},
    body: request.body ?? new Uint8Array(),
    ...(request.remark === undefined ? {} : { remark: request.remark }),
  });
}

/** Asserts that reading the answer throws a protocol error that names the server and all of `parts`. */
export function assertProtocolError(read: () => unknown, ...parts: string[]): ProtocolError {
  const error = assertThrows(read, ProtocolError, "Cannot ", parts.join());
  for (const part of parts) assertStringIncludes(error.message, part);
  assertEquals([error.code, error.isRetriable], ["PROTOCOL", false]);
  return error;
}

/** Asserts that reading the answer throws the server's refusal, with all facts in it. */
export function assertRefusal(
  read: () => unknown,
  responseCode: number,
  ...parts: string[]
): BrokerResponseError {
  const error = assertThrows(read, BrokerResponseError, "Cannot ", parts.join());
  for (const part of [...parts, context.address, `response code ${responseCode}`]) {
    assertStringIncludes(error.message, part);
  }
  assertEquals(
    { ...error },
    {
      ...error,
      code: "BROKER_REFUSED",
      responseCode,
      address: context.address,
      brokerName: "broker-a",
      topic: "TopicTest",
    },
  );
  return error;
}
