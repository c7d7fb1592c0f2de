import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { settle } from "../support/fake_clock.ts";
import { ASK, ask, assertFails, open, type Opened } from "./harness.ts";

/** The code of the probes of these tests. */
const PROBE = 34;

/** A connection that probes a silent server for 3 s. */
function openWatched(): Opened {
  const opened = open({ probe: { request: () => ({ code: PROBE }), timeout: 3_000 } });
  opened.server.on(PROBE, () => {});
  return opened;
}

/** Sends a request that is given one second, and lets it pass in vain. */
async function askInVain({ connection, clock }: Opened, name: string): Promise<void> {
  const failure = assertFails(connection.request(ask(name), { timeout: 1_000 }), "TIMEOUT", true);
  await clock.advance(1_000);
  await failure;
}

Deno.test("Connection - one on which nothing comes after a request and a probe is over", async () => {
  const opened = openWatched();
  const { connection, server, clock } = opened;
  const waiting = assertFails(
    connection.request(ask("patient"), { timeout: 60_000 }),
    "CONNECTION_LOST",
    true,
    "nor to a probe within 3000 ms",
  );
  await askInVain(opened, "first");
  assertEquals(server.requests(PROBE).length, 1);
  await clock.advance(2_999);
  assert(connection.isOpen);
  await clock.advance(1);
  await waiting;

  const { by, reason } = await connection.closed;
  assertEquals(by, "fault");
  assertStringIncludes(reason, "nothing came in answer to a request, nor to a probe");
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("Connection - slow requests never end it as long as probes are answered", async () => {
  const opened = openWatched();
  const { connection, server, clock } = opened;
  server.on(PROBE, () => ({ code: 3, remark: "what?" }));
  for (let index = 0; index < 10; index++) await askInVain(opened, `slow ${index}`);
  await clock.advance(60_000);

  assert(connection.isOpen);
  assertEquals(server.requests(PROBE).length, 10);
  connection.close();
});

const SIGNS_OF_LIFE: Record<string, (opened: Opened) => void> = {
  "a late answer": ({ remote, server }) => remote.respond(server.requests(ASK)[0]!),
  "a request of the server": ({ remote }) => void remote.request({ code: 40 }),
  "a part of a frame": ({ remote }) => remote.send(Uint8Array.of(0)),
};

for (const [what, hear] of Object.entries(SIGNS_OF_LIFE)) {
  Deno.test(`Connection - ${what} proves that the server lives`, async () => {
    const opened = openWatched();
    const { connection, clock } = opened;
    await askInVain(opened, "first");
    await clock.advance(2_000);
    hear(opened);
    await clock.advance(20_000);

    assert(connection.isOpen);
    connection.close();
  });
}

Deno.test("Connection - a request that times out while others are answered asks for no probe", async () => {
  const opened = openWatched();
  const { connection, server, clock } = opened;
  const failure = assertFails(connection.request(ask("slow"), { timeout: 1_000 }), "TIMEOUT", true);
  await clock.advance(500);
  server.once(ASK, () => ({}));
  await connection.request(ask("quick"), { timeout: 1_000 });
  await clock.advance(500);
  await failure;

  assertEquals(server.requests(PROBE), []);
  connection.close();
});

Deno.test("Connection - a server that takes no bytes any more is found out too", async () => {
  const opened = openWatched();
  const { connection, wire, clock } = opened;
  wire.hold();
  const first = assertFails(connection.request(ask("first"), { timeout: 1_000 }), "TIMEOUT", true);
  await settle();
  const second = assertFails(
    connection.request(ask("second"), { timeout: 1_000 }),
    "TIMEOUT",
    false,
  );
  await clock.advance(4_000);
  await Promise.all([first, second]);

  assertEquals(connection.isOpen, false);
});

Deno.test("Connection - what a busy program has not read yet counts before it gives up", async () => {
  const opened = openWatched();
  const { connection, remote, server, clock } = opened;
  await askInVain(opened, "first");
  clock.block(10_000);
  await clock.advance(0);
  remote.respond(server.requests(PROBE)[0]!);
  await clock.advance(20_000);

  assert(connection.isOpen);
  connection.close();
});

Deno.test("Connection - without a probe a silent server is kept", async () => {
  const opened = open();
  for (let index = 0; index < 3; index++) await askInVain(opened, `${index}`);
  await opened.clock.advance(60_000);

  assert(opened.connection.isOpen);
  opened.connection.close();
});

Deno.test("Connection - one that is closed while a probe is out leaves no timer", async () => {
  const opened = openWatched();
  await askInVain(opened, "first");
  opened.connection.close();
  await settle();

  assertEquals(opened.clock.pendingTimers, 0);
});
