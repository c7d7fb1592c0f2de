import { assertEquals } from "@std/assert";
import { createRequest, encodeCommand, FrameDecoder } from "../../src/remoting/mod.ts";
import { Connection } from "../../src/transport/mod.ts";
import { wireOf } from "../../src/transport/transport.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { silentWarnings } from "../support/test_client.ts";
import { ask } from "./harness.ts";

/** A connection whose writes are counted and done at once, and whose turns end when a test says so. */
function countingConnection(): {
  connection: Connection;
  writes: number[];
  endTurn: () => Promise<void>;
} {
  const writes: number[] = [];
  let turn = Promise.withResolvers<void>();
  const never = new Promise<null>(() => {});
  const socket = {
    read: () => never,
    write(bytes: Uint8Array) {
      let frames = 0;
      new FrameDecoder().pushInto(bytes.slice(), () => void frames++);
      writes.push(frames);
      return Promise.resolve(bytes.length);
    },
    close() {},
  };
  const connection = new Connection(wireOf(socket, { endOfTurn: () => turn.promise }), {
    address: "10.0.1.1:10911",
    clock: new FakeClock(),
    warnings: silentWarnings,
  });
  const endTurn = async () => {
    turn.resolve();
    turn = Promise.withResolvers<void>();
    await settle();
  };
  return { connection, writes, endTurn };
}

Deno.test("writes - what comes up one by one in a turn of the event loop leaves in one write", async () => {
  const { connection, writes, endTurn } = countingConnection();
  const send = async (count: number) => {
    for (let i = 0; i < count; i++) {
      connection.request(ask(`${i}`), { timeout: 1_000 }).catch(() => {});
      await settle();
    }
  };
  await send(65);
  assertEquals(writes, Array(65).fill(1), "few do not wait for others");
  await send(100);
  assertEquals(writes.length, 65);
  await endTurn();
  assertEquals(writes.slice(65), [100]);
  await send(50);
  await endTurn();
  assertEquals(writes.slice(65), [100, 50]);
  connection.close();
});

Deno.test("writes - a connection that ends within a turn writes nothing after it", async () => {
  const { connection, writes, endTurn } = countingConnection();
  const failures: unknown[] = [];
  for (let i = 0; i < 67; i++) {
    connection.request(ask(`${i}`), { timeout: 1_000 }).catch((error) => failures.push(error));
    if (i < 66) await settle();
  }
  connection.close();
  await endTurn();
  assertEquals([writes.length, failures.length], [65, 67]);
});

Deno.test("reads - where more is there than fits a read, other things come to their turn before the next", async () => {
  const bytes = encodeCommand(createRequest(ask("0", new Uint8Array(2 * 65_536)), 1, true));
  const steps: string[] = [];
  let at = 0;
  const socket = {
    read(memory: Uint8Array) {
      const part = bytes.subarray(at, at + memory.length);
      if (part.length === 0) return new Promise<number>(() => {});
      at += part.length;
      memory.set(part);
      steps.push(part.length === memory.length ? "full read" : "read");
      return Promise.resolve(part.length);
    },
    write: ({ length }: Uint8Array) => Promise.resolve(length),
    close() {},
  };
  const endOfTurn = () => {
    steps.push("turn");
    return Promise.resolve();
  };
  const connection = new Connection(wireOf(socket, { endOfTurn }), {
    address: "10.0.1.1:10911",
    clock: new FakeClock(),
    warnings: silentWarnings,
  });
  await settle();
  assertEquals(steps, ["full read", "turn", "full read", "turn", "read"]);
  assertEquals(connection.stats().unknownRequests, 1);
  connection.close();
});

Deno.test("writes - a transport that takes nothing ends the connection instead of keeping the program busy", async () => {
  const socket = {
    read: () => new Promise<number>(() => {}),
    write: () => Promise.resolve(0),
    close() {},
  };
  const connection = new Connection(wireOf(socket, {}), {
    address: "10.0.1.1:10911",
    clock: new FakeClock(),
    warnings: silentWarnings,
  });
  connection.request(ask("0"), { timeout: 1_000 }).catch(() => {});
  const { by, reason } = await connection.closed;
  assertEquals([by, reason.includes("the socket took 0 bytes")], ["fault", true]);
});
