import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { createResponse, encodeCommand, type RemotingCommand } from "../../src/remoting/mod.ts";
import { Connection } from "../../src/transport/mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { createStreamPair } from "../support/stream_pair.ts";
import { silentWarnings } from "../support/test_client.ts";
import { concat, utf8 } from "../remoting/frames.ts";
import { ASK, ask, assertFails, open, type Opened } from "./harness.ts";

/** How a server ends a connection, and what is told of it. */
const ENDINGS: {
  title: string;
  end: (opened: Opened) => void;
  by: "peer" | "fault";
  reason: string;
  /** The peer speaks another protocol: another attempt is of no use. */
  isOther?: boolean;
}[] = [
  {
    title: "a FIN",
    end: ({ remote }) => remote.end(),
    by: "peer",
    reason: "the peer closed the connection",
  },
  {
    title: "a RST",
    end: ({ remote }) => remote.reset(),
    by: "fault",
    reason: "Connection reset by peer",
  },
  {
    title: "a FIN in the middle of a frame",
    end: ({ remote, server }) => {
      remote.send(answerTo(server.requests(ASK)[0]!).subarray(0, 30));
      remote.end();
    },
    by: "peer",
    reason: "the peer closed the connection 30 bytes into a frame",
  },
  {
    title: "a length that no frame has",
    end: ({ remote }) => remote.send(Uint8Array.of(0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1)),
    by: "fault",
    reason: "Cannot decode frame",
  },
  {
    title: "an HTTP server",
    isOther: true,
    end: ({ remote }) => remote.send(utf8("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")),
    by: "fault",
    reason: "HTTP",
  },
  {
    title: "a TLS server",
    isOther: true,
    end: ({ remote }) => remote.send(Uint8Array.of(0x15, 3, 3, 0, 2, 2, 0x46)),
    by: "fault",
    reason: "TLS",
  },
  {
    title: "a gRPC proxy",
    isOther: true,
    end: ({ remote }) =>
      remote.send(Uint8Array.of(0, 0, 0x12, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0x80, 0, 4, 0, 1, 0)),
    by: "fault",
    reason: "Cannot decode frame",
  },
];

for (const { title, end, by, reason, isOther = false } of ENDINGS) {
  Deno.test(`Connection - ${title} fails all that waits at once`, async () => {
    const opened = open();
    const { connection, clock, wire } = opened;
    const requests = ["a", "b", "c"].map((name) =>
      connection.request(ask(name), { timeout: 9000 })
    );
    await settle();
    const failures = Promise.all(
      requests.map((request) => assertFails(request, "CONNECTION_LOST", true, reason)),
    );
    end(opened);
    const [failure] = await failures;

    assertStringIncludes(failure!.message, "10.0.0.1:10911");
    assertEquals(failure!.isRetriable, !isOther);
    const closed = await connection.closed;
    assertEquals(closed.by, by);
    assertStringIncludes(closed.reason, reason);
    assertFalse(connection.isOpen);
    assertEquals([clock.pendingTimers, wire.closeCalls], [0, 1]);
    await assertFails(
      connection.request(ask("d"), { timeout: 1000 }),
      "CONNECTION_LOST",
      false,
      reason,
    );
    await assertFails(connection.oneway(ask("e"), { timeout: 1000 }), "CONNECTION_LOST", false);
  });
}

Deno.test("Connection - requests that were not written yet say so when it ends", async () => {
  const { connection, remote, wire } = open();
  wire.hold();
  const written = connection.request(ask("written"), { timeout: 1000 });
  const writtenOneway = connection.oneway(ask("written too"), { timeout: 1000 });
  await settle();
  const queued = connection.request(ask("queued"), { timeout: 1000 });
  const queuedOneway = connection.oneway(ask("queued too"), { timeout: 1000 });
  const failures = [
    assertFails(written, "CONNECTION_LOST", true),
    assertFails(writtenOneway, "CONNECTION_LOST", true),
    assertFails(queued, "CONNECTION_LOST", false),
    assertFails(queuedOneway, "CONNECTION_LOST", false),
  ];
  remote.reset();

  await Promise.all(failures);
  assertEquals(connection.stats().pendingBytes, 0);
});

Deno.test("Connection - a write that fails ends it", async () => {
  const { connection, wire } = open();
  const reading = connection.request(ask("a"), { timeout: 1000 });
  wire.refuseWrites("Broken pipe (os error 32)");

  await assertFails(reading, "CONNECTION_LOST", true, "writing failed: Broken pipe");
  assertEquals((await connection.closed).by, "fault");
  assertEquals(wire.closeCalls, 1);
});

Deno.test("Connection - answers in the same chunk as the fault still count", async () => {
  const { connection, server, remote } = open();
  const answered = connection.request(ask("answered"), { timeout: 1000 });
  const unanswered = connection.request(ask("open"), { timeout: 1000 });
  await settle();
  const failure = assertFails(unanswered, "CONNECTION_LOST", true);
  const answer = answerTo(server.requests(ASK)[0]!);
  remote.send(Uint8Array.from([...answer, 0xff, 0xff, 0xff, 0xff]));

  assertEquals((await answered).code, 0);
  await failure;
});

Deno.test("Connection - a peer that drips a frame is not waited for longer than 30 s", async () => {
  const { connection, server, remote, clock } = open();
  const request = connection.request(ask("a"), { timeout: 120_000 });
  await settle();
  const failure = assertFails(
    request,
    "CONNECTION_LOST",
    true,
    "not whole 30000 ms after it began",
  );
  const frame = answerTo(server.requests(ASK)[0]!);
  for (let at = 0; at < 29; at++) {
    remote.send(frame.subarray(at, at + 1));
    await clock.advance(1000);
  }
  assert(connection.isOpen);
  await clock.advance(1001);

  await failure;
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("Connection - a slow peer has its 30 s for each frame anew", async () => {
  const { connection, server, remote, clock } = open();
  const names = ["a", "b", "c"];
  const requests = names.map((name) => connection.request(ask(name), { timeout: 120_000 }));
  await settle();
  const [a, b, c] = server.requests(ASK).map(answerTo);
  remote.send(a!.subarray(0, 9));
  await clock.advance(20_000);
  remote.send(concat([a!.subarray(9), b!.subarray(0, 9)]));
  await clock.advance(20_000);
  remote.send(concat([b!.subarray(9), c!]));

  assertEquals((await Promise.all(requests)).length, 3);
  await clock.advance(120_000);
  assert(connection.isOpen, "between two frames there is no limit");
  connection.close();
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("Connection - 100 responses in a row that nobody waits for end it, 99 do not", async () => {
  const { connection, server, remote } = open();
  const stray = (opaque: number) => remote.respond({ ...server.requests(ASK)[0]!, opaque });
  const first = connection.request(ask("a"), { timeout: 1000 });
  await settle();
  for (let i = 0; i < 99; i++) stray(i + 7);
  remote.respond(server.requests(ASK)[0]!);
  await first;
  const second = connection.request(ask("b"), { timeout: 1000 });
  await settle();
  for (let i = 0; i < 99; i++) stray(i + 7);
  await settle();
  assert(connection.isOpen);
  assertEquals(connection.stats().unmatchedResponses, 198);
  const failure = assertFails(second, "CONNECTION_LOST", true, "100 responses in a row");
  stray(5);

  await failure;
  assertEquals((await connection.closed).by, "fault");
});

Deno.test("Connection - closing it twice is closing it once", async () => {
  const { connection, wire, clock } = open();
  const request = connection.request(ask("a"), { timeout: 1000 });
  const failure = assertFails(request, "CONNECTION_LOST", false, "no more needed");
  connection.close("no more needed");
  connection.close("again");

  await failure;
  assertEquals(await connection.closed, { by: "local", reason: "no more needed" });
  assertEquals([wire.closeCalls, clock.pendingTimers], [1, 0]);
});

Deno.test("Connection - bytes that come after it was closed are dropped", async () => {
  const { connection, remote, wire, server } = open();
  connection.request(ask("a"), { timeout: 1000 }).catch(() => {});
  await settle();
  connection.close();
  const [request] = server.requests(ASK);
  wire.send(answerTo(request!));
  remote.request({ code: 39 });
  await settle();

  assertEquals(connection.stats().unmatchedResponses, 0);
  assertEquals(connection.stats().unknownRequests, 0);
});

function answerTo(request: RemotingCommand): Uint8Array {
  return encodeCommand(createResponse(request));
}

Deno.test("Connection - a transport whose close() throws is over all the same", async () => {
  const { transport } = createStreamPair({ onBytes: () => {}, onClosed: () => {} });
  const connection = new Connection({
    ...transport,
    close() {
      throw new Error("Bad resource ID");
    },
  }, { address: "10.0.0.1:10911", clock: new FakeClock(), warnings: silentWarnings });
  const waiting = assertFails(
    connection.request(ask("waits"), { timeout: 1_000 }),
    "CONNECTION_LOST",
    false,
  );
  connection.close("no more needed");

  assertEquals(await connection.closed, { by: "local", reason: "no more needed" });
  await waiting;
});

Deno.test("Connection - a large frame on a slow line may take longer than 30 s, if it goes on", async () => {
  const { connection, server, remote, clock } = open();
  const request = connection.request(ask("a"), { timeout: 300_000 });
  await settle();
  const body = new Uint8Array(1024 * 1024);
  const frame = encodeCommand(createResponse(server.requests(ASK)[0]!, { body }));
  for (let at = 0; at < frame.length; at += 16 * 1024) {
    remote.send(frame.subarray(at, at + 16 * 1024));
    await clock.advance(2_000);
  }

  assertEquals((await request).body.length, body.length);
  connection.close();
});
