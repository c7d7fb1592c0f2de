import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { systemClock } from "../../src/clock.ts";
import { ConnectionError } from "../../src/errors.ts";
import { parseAddress } from "../../src/route/mod.ts";
import { connect, type Connection, dialTcp, dialWire } from "../../src/transport/mod.ts";
import { until } from "../support/fake_clock.ts";
import { silence } from "../support/scripted_peer.ts";
import { ScriptedServer } from "../support/scripted_server.ts";
import { silentWarnings } from "../support/test_client.ts";
import { ASK, ask, assertFails } from "./harness.ts";

/** The address of a port on which nothing listens. */
function closedPort(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `127.0.0.1:${listener.addr.port}`;
}

for (const dialer of [dialTcp, dialWire]) {
  const dial = (address: string): Promise<Connection> => {
    return connect({
      ...parseAddress(address),
      address,
      dialer,
      clock: systemClock,
      warnings: silentWarnings,
      timeout: 5_000,
    });
  };

  Deno.test(`${dialer.name} - requests and answers go over a real socket, large ones too`, async () => {
    await using server = await ScriptedServer.start();
    server.on(ASK, ({ body }) => ({ body }));
    const connection = await dial(server.address);
    const body = new Uint8Array(3_000_000).fill(7);

    const answers = await Promise.all(
      Array.from(
        { length: 100 },
        (_, i) =>
          connection.request(ask(`${i}`, i === 50 ? body : Uint8Array.of(i)), { timeout: 5_000 }),
      ),
    );

    assertEquals(answers.map((answer) => answer.body[0]).toSpliced(50, 1).length, 99);
    assertEquals(answers[50]!.body.length, 3_000_000);
    assert(answers.every((answer, i) => answer.body[0] === (i === 50 ? 7 : i)));
    assertEquals(connection.localHost, "127.0.0.1");
    connection.close();
    await until(() => server.open.length === 0);
  });

  Deno.test(`${dialer.name} - a FIN fails what waits within moments, not at the deadline`, async () => {
    await using server = await ScriptedServer.start();
    server.on(ASK, (_command, from) => from.end());
    const connection = await dial(server.address);

    const start = performance.now();
    const requests = ["a", "b"].map((name) => connection.request(ask(name), { timeout: 60_000 }));
    await Promise.all(
      requests.map((request) =>
        assertFails(request, "CONNECTION_LOST", true, server.address, "the peer closed")
      ),
    );
    assert(performance.now() - start < 5_000);
    assertEquals((await connection.closed).by, "peer");
  });

  Deno.test(`${dialer.name} - a RST fails what waits`, async () => {
    await using server = await ScriptedServer.start();
    server.on(ASK, (_command, from) => from.reset());
    const connection = await dial(server.address);
    const request = connection.request(ask("a"), { timeout: 60_000 });

    await assertFails(request, "CONNECTION_LOST", true, server.address, "reset by peer");
    assertEquals((await connection.closed).by, "fault");
  });

  Deno.test(`${dialer.name} - a peer that does not read is noticed by the deadline, and left`, async () => {
    await using server = await ScriptedServer.start();
    const connection = await dial(server.address);
    await until(() => server.open.length === 1);
    server.stopReading();
    const body = new Uint8Array(15_000_000);

    const write = connection.oneway(ask("first", body), { timeout: 200 });
    await assertFails(write, "TIMEOUT", true, "did not take it within 200 ms");
    connection.close();
    assertEquals((await connection.closed).by, "local");
  });

  Deno.test(`${dialer.name} - a port on which nothing listens is named`, async () => {
    const address = closedPort();
    const error = await assertRejects(() => dial(address), ConnectionError);

    assertEquals([error.code, error.address], ["CONNECT_FAILED", address]);
    assertStringIncludes(
      error.message,
      `Cannot connect to ${address}: connection refused, nothing listens there`,
    );
  });

  Deno.test(`${dialer.name} - a hundred connections that come and go leave nothing open`, async () => {
    await using server = await ScriptedServer.start();
    server.on(ASK, silence);
    for (let round = 0; round < 10; round++) {
      const connections = await Promise.all(Array.from({ length: 10 }, () => dial(server.address)));
      const requests = connections.map((connection) =>
        assertFails(connection.request(ask("a"), { timeout: 60_000 }), "CONNECTION_LOST", true)
      );
      await until(() => server.requests(ASK).length === 10 * (round + 1));
      if (round % 2) server.cut();
      else for (const connection of connections) connection.close();
      await Promise.all(requests);
    }
    await until(() => server.open.length === 0);
    assertEquals(server.connections.length, 100);
  });
}
