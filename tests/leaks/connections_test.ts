import { assertEquals, assertLess } from "@std/assert";
import { systemClock } from "../../src/clock.ts";
import { createResponse, encodeCommand, FrameDecoder } from "../../src/remoting/mod.ts";
import { connect, type Connection, dialTcp } from "../../src/transport/mod.ts";
import { ScriptedCluster } from "../support/scripted_cluster.ts";
import { silentWarnings } from "../support/test_client.ts";
import { message, saying } from "../transaction/support.ts";
import { growthOf, openFiles } from "./heap.ts";

/** Most mebibytes that may be held longer. */
const GROWTH = 5;

const CYCLES = 1_000;

/** A server that answers one request of a connection and leaves the next one in the lurch. */
function startKiller(): { port: number } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async (socket: Deno.TcpConn) => {
    const decoder = new FrameDecoder(), memory = new Uint8Array(4096);
    let requests = 0;
    try {
      for (let size = await socket.read(memory); size !== null; size = await socket.read(memory)) {
        for (const request of decoder.push(memory.slice(0, size))) {
          if (++requests === 2) return;
          await socket.write(encodeCommand(createResponse(request)));
        }
      }
    } finally {
      socket.close();
    }
  };
  const serving = (async () => {
    for await (const socket of listener) await serve(socket);
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

function open(port: number): Promise<Connection> {
  return connect({
    host: "127.0.0.1",
    port,
    address: `127.0.0.1:${port}`,
    dialer: dialTcp,
    timeout: 10_000,
    clock: systemClock,
    warnings: silentWarnings,
  });
}

Deno.test("connections - 1000 that are killed with a request under way leave nothing behind", async () => {
  await using server = startKiller();
  const files = openFiles();
  const growth = await growthOf(async () => {
    for (let i = 0; i < CYCLES / 2; i++) {
      const connection = await open(server.port);
      await connection.request({ code: 105 }, { timeout: 10_000 });
      const lost = connection.request({ code: 105 }, { timeout: 10_000 });
      assertEquals((await lost.catch((error) => error)).code, "CONNECTION_LOST");
      await connection.closed;
      assertEquals(connection.stats().inFlight, 0);
    }
  });
  assertLess(growth, GROWTH);
  assertEquals(openFiles(), files);
});

Deno.test("connections - a producer that lost its broker 1000 times is as it was", async () => {
  await using cluster = new ScriptedCluster();
  const { broker, clock } = cluster;
  const producer = await cluster.started(saying("COMMIT"));
  await clock.advance(4_000);
  const timers = clock.pendingTimers;
  const growth = await growthOf(async () => {
    for (let i = 0; i < CYCLES / 2; i++) {
      broker.cut();
      await clock.advance(2_500);
      broker.connections.length = 0;
      cluster.network.dials.length = 0;
      cluster.logger.lines.length = 0;
    }
  });
  await producer.sendMessageInTransaction(message());
  await clock.advance(4_000);
  assertLess(growth, GROWTH);
  assertEquals(cluster.network.openConnections, 2);
  assertEquals(clock.pendingTimers, timers);
});
