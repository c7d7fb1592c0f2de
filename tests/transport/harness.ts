import { assertInstanceOf, assertRejects } from "@std/assert";
import { ConnectionError } from "../../src/errors.ts";
import { ThrottledLogger } from "../../src/logger.ts";
import type { RemotingCommand, RemotingRequest } from "../../src/remoting/mod.ts";
import { Connection, type ConnectionOptions } from "../../src/transport/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { ScriptedConnection, ScriptedPeer } from "../support/scripted_peer.ts";
import { createStreamPair, type PeerEnd } from "../support/stream_pair.ts";

/** A request code of these tests. */
export const ASK = 310;

/** A connection in memory and all that it touches. */
export interface Opened {
  connection: Connection;
  /** What the server does. */
  server: ScriptedPeer;
  /** The connection as the server sees it. */
  remote: ScriptedConnection;
  /** The bare wire. */
  wire: PeerEnd;
  clock: FakeClock;
  logger: RecordingLogger;
}

/** Opens a connection in memory to a server that leaves requests of {@linkcode ASK} unanswered. */
export function open(options: Partial<ConnectionOptions> = {}): Opened {
  const clock = new FakeClock(), logger = new RecordingLogger();
  const server = new ScriptedPeer().on(ASK, () => {});
  const { transport, peer: wire } = createStreamPair({
    onBytes: (bytes) => remote.take(bytes),
    onClosed: () => remote.closedByClient(),
  });
  const remote = new ScriptedConnection(server, wire);
  const connection = new Connection(transport, {
    address: "10.0.0.1:10911",
    clock,
    warnings: new ThrottledLogger(logger, clock),
    ...options,
  });
  return { connection, server, remote, wire, clock, logger };
}

/** A request of `ASK` that can be told from others. */
export function ask(name: string, body = new Uint8Array()): RemotingRequest {
  return { code: ASK, extFields: { name }, body };
}

/** The names that requests of {@linkcode ask} carry. */
export function namesOf(requests: readonly RemotingCommand[]): string[] {
  return requests.map(({ extFields }) => extFields.name!);
}

/** Asserts that a request ended without an answer, and how. */
export async function assertFails(
  request: Promise<unknown>,
  code: string,
  written: boolean,
  ...parts: string[]
): Promise<ConnectionError> {
  const error = await assertRejects(() => request, ConnectionError);
  assertInstanceOf(error, ConnectionError);
  const facts = `${error.code} written=${error.written}: ${error.message}`;
  if (error.code !== code || error.written !== written) {
    throw new Error(`Expected ${code} written=${written}, got ${facts}`);
  }
  for (const part of parts) {
    if (!error.message.includes(part)) throw new Error(`"${part}" is not in: ${facts}`);
  }
  return error;
}
