import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { settle } from "../support/fake_clock.ts";
import { ASK, ask, assertFails, open, type Opened } from "./harness.ts";

/** Sends requests that time out after a second, as when a broker pauses. */
async function timeOut({ connection, clock }: Opened, count: number): Promise<void> {
  const failures = Array.from(
    { length: count },
    (_, i) =>
      assertFails(connection.request(ask(`late ${i}`), { timeout: 1_000 }), "TIMEOUT", true),
  );
  await clock.advance(1_000);
  await Promise.all(failures);
}

/** The paused broker goes on: it answers all that it has read. */
function answerAll({ remote, server }: Opened): void {
  for (const request of server.requests(ASK)) remote.respond(request);
}

for (const count of [100, 150, 5_000]) {
  Deno.test(`late answers - ${count} sends time out, the broker answers them all: what it answers in time counts`, async () => {
    const opened = open();
    const { connection } = opened;
    await timeOut(opened, count);
    const inTime = Array.from(
      { length: 40 },
      (_, i) => connection.request(ask(`in time ${i}`), { timeout: 3_000 }),
    );
    await settle();
    answerAll(opened);

    const answers = await Promise.all(inTime);
    assertEquals(answers.map(({ code }) => code), Array(40).fill(0));
    assert(connection.isOpen);
    const { lateResponses, unmatchedResponses } = connection.stats();
    assertEquals([lateResponses, unmatchedResponses], [count, 0]);
    connection.close();
  });

  Deno.test(`late answers - the broker answers ${count} one-way requests: the connection stays`, async () => {
    const { connection, remote, server } = open();
    for (let i = 0; i < count; i++) {
      if (i % 2 === 0) await connection.oneway(ask(`oneway ${i}`), { timeout: 1_000 });
      else if (!connection.post(ask(`post ${i}`))) {
        await connection.oneway(ask("post"), { timeout: 1_000 });
      }
    }
    await settle();
    const refusal = { code: 2, remark: "[TIMEOUT_CLEAN_QUEUE]" };
    for (const request of server.requests(ASK)) remote.respond(request, refusal);
    await settle();

    assert(connection.isOpen);
    assertEquals(connection.stats().lateResponses, count);
    connection.close();
  });
}

Deno.test("late answers - those to requests that their callers aborted do not end the connection", async () => {
  const opened = open();
  const controller = new AbortController(), { signal } = controller;
  const failures = Array.from(
    { length: 150 },
    (_, i) =>
      assertFails(
        opened.connection.request(ask(`${i}`), { timeout: 9_000, signal }),
        "ABORTED",
        true,
      ),
  );
  await settle();
  controller.abort();
  await Promise.all(failures);
  answerAll(opened);
  await settle();

  assert(opened.connection.isOpen);
  opened.connection.close();
});

Deno.test("late answers - 100 beyond what was abandoned end the connection", async () => {
  const opened = open();
  await timeOut(opened, 150);
  answerAll(opened);
  const [request] = opened.server.requests(ASK);
  for (let i = 0; i < 99; i++) opened.remote.respond(request!);
  await settle();
  assert(opened.connection.isOpen);
  opened.remote.respond(request!);
  await settle();

  assertFalse(opened.connection.isOpen);
  assertStringIncludes((await opened.connection.closed).reason, "100 responses in a row");
});

Deno.test("late answers - what was never sent is not excused by what was abandoned", async () => {
  const opened = open();
  await timeOut(opened, 150);
  const [request] = opened.server.requests(ASK);
  for (let i = 1; i <= 100; i++) {
    opened.remote.respond({ ...request!, opaque: (request!.opaque + 10_000 + i) | 0 });
  }
  assertStringIncludes((await opened.connection.closed).reason, "100 responses in a row");
});

Deno.test("a busy program - what came while it could not read is read before anything times out", async () => {
  const opened = open();
  const { connection, clock, remote, server } = opened;
  const requests = Array.from(
    { length: 200 },
    (_, i) => connection.request(ask(`${i}`), { timeout: 3_000 }),
  );
  await settle();
  clock.block(3_500);
  // The timer of the requests runs before the program comes to read.
  const [, answered] = await Promise.all([
    clock.advance(0).then(() => {
      for (const request of server.requests(ASK)) remote.respond(request);
      return clock.advance(1_000);
    }),
    Promise.allSettled(requests),
  ]);

  assertEquals(answered.filter(({ status }) => status === "rejected"), []);
  connection.close();
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("a busy program - a request without an answer times out soon after it", async () => {
  const { connection, clock } = open();
  const failure = assertFails(
    connection.request(ask("lost"), { timeout: 3_000 }),
    "TIMEOUT",
    true,
    "no answer within 3000 ms",
  );
  await settle();
  clock.block(3_500);
  await clock.advance(100);
  await failure;
  connection.close();
});

Deno.test("a busy program - a peer that never stops sending keeps no request for ever", async () => {
  const { connection, clock, remote } = open();
  const failure = assertFails(connection.request(ask("lost"), { timeout: 3_000 }), "TIMEOUT", true);
  await settle();
  clock.block(3_500);
  for (let i = 0; i < 100; i++) {
    await clock.advance(10);
    remote.request({ code: 40 });
  }
  await failure;
  connection.close();
});
