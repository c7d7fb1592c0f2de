import { assert, assertEquals } from "@std/assert";
import type { ServerRequestHandler } from "../../src/transport/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ASK, ask, open, type Opened } from "./harness.ts";

const CHECK = 39;

function openWith(handler: ServerRequestHandler): Opened {
  return open({ handlers: new Map([[CHECK, handler]]) });
}

Deno.test("Connection - ten thousand unknown requests leave nothing behind", async () => {
  const { connection, remote, logger, clock } = open();
  for (let i = 0; i < 10_000; i++) remote.request({ code: 999 }, { oneway: true });
  await settle();
  await clock.advance(60_000);
  remote.request({ code: 999 });
  await settle();

  assertEquals(connection.stats(), {
    inFlight: 0,
    lateResponses: 0,
    unmatchedResponses: 0,
    unknownRequests: 10_001,
    pendingBytes: 0,
  });
  assertEquals(logger.lines.length, 2);
  connection.close();
});

Deno.test("Connection - answers to a server that does not read are bounded", async () => {
  const { connection, remote, wire } = open({ maxPendingBytes: 10_000 });
  wire.hold();
  for (let i = 0; i < 5_000; i++) remote.request({ code: 999 }, { oneway: false });
  await settle();

  const { pendingBytes } = connection.stats();
  assert(pendingBytes < 10_500, `${pendingBytes} bytes wait`);
  wire.release();
  connection.close();
});

Deno.test("Connection - a handler gets the request and its answer goes back", async () => {
  const { connection, remote } = openWith(({ extFields, body }, from) => {
    assertEquals(from, connection);
    return { extFields: { echo: extFields.name! }, body };
  });
  const body = Uint8Array.of(1, 2, 3);
  const opaque = remote.request({ code: CHECK, extFields: { name: "x" }, body }, { oneway: false });
  remote.request({ code: CHECK, extFields: { name: "one-way" }, body }, { oneway: true });
  await settle();

  const [response, ...others] = remote.responses;
  assertEquals(others, []);
  assertEquals(
    [response!.opaque, response!.code, response!.extFields, response!.body],
    [opaque, 0, { echo: "x" }, body],
  );
  connection.close();
});

Deno.test("Connection - a handler that never ends does not stop the reader", async () => {
  const { connection, server, remote } = openWith(() => new Promise(() => {}));
  const request = connection.request(ask("a"), { timeout: 1000 });
  await settle();
  remote.request({ code: CHECK }, { oneway: false });
  remote.respond(server.requests(ASK)[0]!);

  assertEquals((await request).code, 0);
  assertEquals(remote.responses, []);
  connection.close();
});

Deno.test("Connection - a handler that fails is answered with 1 and told once", async () => {
  const failures: ServerRequestHandler[] = [
    () => {
      throw new Error("sync");
    },
    () => Promise.reject(new Error("async")),
    () => {
      throw undefined;
    },
    () => ({ code: 1e30 }),
    () => Promise.resolve({ code: 1e30 }),
  ];
  const { connection, server, remote, logger } = openWith((...args) => failures.shift()!(...args));
  for (let i = 0; i < 5; i++) remote.request({ code: CHECK }, { oneway: false });
  await settle();

  assertEquals(remote.responses.map(({ code }) => code), [1, 1, 1, 1, 1]);
  assertEquals(logger.matching("Cannot serve CHECK_TRANSACTION_STATE: sync"), [
    "Cannot serve CHECK_TRANSACTION_STATE: sync",
  ]);
  assertEquals(logger.lines.length, 1);
  server.on(ASK, () => ({}));
  assertEquals((await connection.request(ask("still alive"), { timeout: 1000 })).code, 0);
  connection.close();
});
