import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { ConnectionError, InvalidArgumentError } from "../../src/errors.ts";
import { isOneway } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { ASK, ask, assertFails, namesOf, open } from "./harness.ts";

Deno.test("Connection - requests of one turn leave in one write, in order", async () => {
  const { connection, server, wire } = open();
  server.on(ASK, ({ extFields }) => ({ extFields }));

  const names = Array.from({ length: 50 }, (_, i) => `request ${i}`);
  const answers = await Promise.all(
    names.map((name) => connection.request(ask(name), { timeout: 1000 })),
  );

  assertEquals(namesOf(server.requests(ASK)), names);
  assertEquals(namesOf(answers), names);
  assertEquals(wire.writes.length, 1);
  connection.close();
});

Deno.test("Connection - requests made while a write is under way leave in the next one", async () => {
  const { connection, server, wire } = open();
  wire.hold();
  connection.oneway(ask("first"), { timeout: 1000 });
  await settle();
  const rest = ["second", "third"].map((name) => connection.oneway(ask(name), { timeout: 1000 }));
  await settle();
  assertEquals(wire.writes.length, 0);
  wire.release();
  await Promise.all(rest);

  assertEquals(namesOf(server.requests(ASK)), ["first", "second", "third"]);
  assertEquals(wire.writes.length, 2);
  connection.close();
});

Deno.test("Connection - what the answers of one turn lead to leaves in one write", async () => {
  const { connection, server, wire, remote } = open();
  const steps = [0, 1, 3, 7];
  const workers = steps.map(async (microtasks) => {
    await connection.request(ask("half"), { timeout: 1000 });
    for (let i = 0; i < microtasks; i++) await null; // as long as the local transaction takes
    await connection.request(ask("verdict"), { timeout: 1000 });
  });
  await settle();
  assertEquals(wire.writes.length, 1);
  for (const request of server.requests(ASK)) remote.respond(request);
  await settle();
  assertEquals(server.requests(ASK).length, 2 * steps.length);
  assertEquals(wire.writes.length, 2);
  for (const request of server.requests(ASK)) remote.respond(request);
  await Promise.all(workers);
  connection.close();
});

Deno.test("Connection - a posted request leaves in the same turn, with what comes after it", async () => {
  const { connection, server, wire } = open();
  server.on(ASK, ({ extFields }) => ({ extFields }));
  assertEquals(connection.post(ask("posted")), true);
  await connection.request(ask("asked"), { timeout: 1000 });
  await settle();
  assertEquals(namesOf(server.requests(ASK)), ["posted", "asked"]);
  assertEquals(server.requests(ASK).map(isOneway), [true, false]);
  assertEquals([wire.writes.length, connection.stats().pendingBytes], [1, 0]);
  connection.close();
  const error = assertThrows(() => connection.post(ask("late")), ConnectionError);
  assertEquals([error.code, error.written], ["CONNECTION_LOST", false]);
});

Deno.test("Connection - nothing is posted while the socket takes nothing", async () => {
  const { connection, server, wire } = open();
  wire.hold();
  const stuck = connection.oneway(ask("stuck"), { timeout: 1000 });
  await settle();
  assertEquals(connection.post(ask("posted")), false);
  wire.release();
  await stuck;
  assertEquals(connection.post(ask("again")), true);
  await settle();
  assertEquals(namesOf(server.requests(ASK)), ["stuck", "again"]);
  connection.close();
});

Deno.test("Connection - a large frame goes alone and all bytes arrive", async () => {
  const { connection, server, wire } = open();
  server.on(ASK, ({ body }) => ({ body }));
  const body = crypto.getRandomValues(new Uint8Array(60_000));

  const requests = [ask("a"), ask("b", body), ask("c", body), ask("d")];
  const answers = await Promise.all(
    requests.map((request) => connection.request(request, { timeout: 1000 })),
  );

  assertEquals(answers.map((answer) => answer.body.length), [0, 60_000, 60_000, 0]);
  assertEquals(answers[2]!.body, body);
  assert(wire.writes.every(({ length }) => length <= 64 * 1024));
  connection.close();
});

Deno.test("Connection - each request gets the response with its number, in whatever order", async () => {
  const { connection, server, remote } = open();
  const names = ["a", "b", "c", "d"];
  const answers = names.map((name) => connection.request(ask(name), { timeout: 1000 }));
  await settle();
  const requests = server.requests(ASK);
  for (const request of requests.toReversed()) {
    remote.respond(request, { code: 17, extFields: request.extFields });
  }

  assertEquals(namesOf(await Promise.all(answers)), names);
  assertEquals(new Set(requests.map(({ opaque }) => opaque)).size, 4);
  assertEquals(connection.stats().inFlight, 0);
  connection.close();
});

Deno.test("Connection - numbers pass 2147483647 without meeting", async () => {
  const { connection, server, clock } = open();
  clock.chance = () => (2 ** 31 - 3) / 2 ** 32;
  connection.close();
  const late = open({ clock });
  late.server.on(ASK, ({ extFields }) => ({ extFields }));
  const names = Array.from({ length: 10 }, (_, i) => String(i));
  const answers = await Promise.all(
    names.map((name) => late.connection.request(ask(name), { timeout: 1000 })),
  );

  assertEquals(namesOf(answers), names);
  const numbers = late.server.requests(ASK).map(({ opaque }) => opaque);
  assertEquals(numbers.slice(0, 4), [2147483646, 2147483647, -2147483648, -2147483647]);
  assertEquals(server.requests(ASK), []);
  late.connection.close();
});

Deno.test("Connection - an answer 1 ms before the deadline counts, one at or after it is ignored", async () => {
  const { connection, server, remote, clock } = open();
  const early = connection.request(ask("early"), { timeout: 1000 });
  const late = connection.request(ask("late"), { timeout: 1000 });
  const rejected = assertFails(
    late,
    "TIMEOUT",
    true,
    "Cannot complete SEND_MESSAGE_V2 to 10.0.0.1:10911: no answer within 1000 ms",
  );
  await clock.advance(999);
  const [first, second] = server.requests(ASK);
  remote.respond(first!);
  await clock.advance(1);
  remote.respond(second!);

  assertEquals((await early).code, 0);
  assert((await rejected).isRetriable);
  await clock.advance(1);
  remote.respond(second!);
  await settle();
  assertEquals(connection.stats(), {
    inFlight: 0,
    lateResponses: 1,
    unmatchedResponses: 1,
    unknownRequests: 0,
    pendingBytes: 0,
  });
  assert(connection.isOpen, "a timeout must not end the connection");
  connection.close();
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("Connection - a request that was aborted before is not written", async () => {
  const { connection, server } = open();
  const reason = new Error("changed my mind");

  const signal = AbortSignal.abort(reason);
  const error = await assertFails(
    connection.request(ask("aborted"), { timeout: 1000, signal }),
    "ABORTED",
    false,
  );
  assertStrictEquals(error.cause, reason);
  assertEquals(error.isRetriable, false);

  await settle();
  assertEquals(server.requests(ASK), []);
  connection.close();
});

Deno.test("Connection - a request aborted while it waits to be written is taken out", async () => {
  const { connection, server, wire } = open();
  wire.hold();
  connection.oneway(ask("first"), { timeout: 1000 });
  await settle();
  const controller = new AbortController();
  const aborted = connection.request(ask("aborted"), {
    timeout: 1000,
    signal: controller.signal,
  });
  const last = connection.oneway(ask("last"), { timeout: 1000 });
  controller.abort();

  await assertFails(aborted, "ABORTED", false);
  wire.release();
  await last;
  assertEquals(namesOf(server.requests(ASK)), ["first", "last"]);
  assertEquals(connection.stats().pendingBytes, 0);
  connection.close();
});

Deno.test("Connection - requests leave nothing behind on a signal that lives on", async () => {
  const { connection, server, clock } = open();
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener: add, removeEventListener: remove } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    listeners++;
    Reflect.apply(add, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listeners--;
    Reflect.apply(remove, signal, args);
  };
  server.once(ASK, () => ({}));
  await connection.request(ask("answered"), { timeout: 1000, signal });
  const late = assertFails(
    connection.request(ask("late"), { timeout: 1000, signal }),
    "TIMEOUT",
    true,
  );
  assertEquals(listeners, 1);
  await clock.advance(1000);
  await late;
  const cut = connection.request(ask("cut"), { timeout: 1000, signal });
  const lost = assertFails(cut, "CONNECTION_LOST", false);
  connection.close();
  await lost;

  assertEquals(listeners, 0);
});

Deno.test("Connection - requests one after another share one timer", async () => {
  const { connection, server, remote, clock } = open();
  const setTimer = clock.setTimer.bind(clock);
  let set = 0;
  clock.setTimer = (callback, delay) => {
    set++;
    return setTimer(callback, delay);
  };
  for (let i = 0; i < 20; i++) {
    const answer = connection.request(ask(`request ${i}`), { timeout: 1000 });
    await settle();
    remote.respond(server.requests(ASK)[i]!);
    await answer;
  }
  assertEquals(set, 1);
  await assertFails(
    Promise.all([connection.request(ask("unanswered"), { timeout: 1000 }), clock.advance(1000)]),
    "TIMEOUT",
    true,
  );
  connection.close();
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("Connection - a request aborted after it was written says so", async () => {
  const { connection, server, remote } = open();
  const controller = new AbortController();
  const request = connection.request(ask("gone"), { timeout: 1000, signal: controller.signal });
  await settle();
  controller.abort();

  await assertFails(request, "ABORTED", true);
  remote.respond(server.requests(ASK)[0]!);
  await settle();
  assertEquals(connection.stats().lateResponses, 1);
  connection.close();
});

Deno.test("Connection - a request that times out before it was written says so and never leaves", async () => {
  const { connection, server, wire, clock } = open();
  wire.hold();
  const stuck = connection.oneway(ask("stuck"), { timeout: 5000 });
  await settle();
  const late = assertFails(connection.request(ask("late"), { timeout: 1000 }), "TIMEOUT", false);
  await clock.advance(1000);
  await late;
  wire.release();
  await stuck;
  await settle();

  assertEquals(namesOf(server.requests(ASK)), ["stuck"]);
  connection.close();
});

Deno.test("Connection - a one-way request that the peer does not take ends at its deadline", async () => {
  const { connection, server, wire, clock } = open();
  wire.hold();
  const first = assertFails(connection.oneway(ask("first"), { timeout: 500 }), "TIMEOUT", true);
  await settle();
  const second = assertFails(connection.oneway(ask("second"), { timeout: 500 }), "TIMEOUT", false);
  await clock.advance(500);
  await Promise.all([first, second]);
  wire.release();
  await settle();

  assertEquals(namesOf(server.requests(ASK)), ["first"]);
  assertEquals([clock.pendingTimers, connection.stats().pendingBytes], [0, 0]);
  connection.close();
});

Deno.test("Connection - too many requests in flight are refused, and some later ones not", async () => {
  const { connection, server, remote } = open({ maxInFlight: 2 });
  const waiting = ["a", "b"].map((name) => connection.request(ask(name), { timeout: 1000 }));
  const error = await assertFails(
    connection.request(ask("c"), { timeout: 1000 }),
    "OVERLOADED",
    false,
    "2 requests are in flight",
  );
  assert(error.isRetriable);
  await settle();
  for (const request of server.requests(ASK)) remote.respond(request);
  await Promise.all(waiting);

  server.on(ASK, () => ({}));
  await connection.request(ask("d"), { timeout: 1000 });
  assertEquals(namesOf(server.requests(ASK)), ["a", "b", "d"]);
  connection.close();
});

Deno.test("Connection - too many bytes to be written are refused until the peer takes some", async () => {
  const { connection, wire, server } = open({ maxPendingBytes: 10_000 });
  wire.hold();
  const body = new Uint8Array(4_000);
  const queued = ["a", "b"].map((name) => connection.oneway(ask(name, body), { timeout: 1000 }));
  await assertFails(
    connection.oneway(ask("c", body), { timeout: 1000 }),
    "OVERLOADED",
    false,
    "bytes wait to be written, at most 10000 may",
  );
  wire.release();
  await Promise.all(queued);

  await connection.oneway(ask("d", body), { timeout: 1000 });
  assertEquals(namesOf(server.requests(ASK)), ["a", "b", "d"]);
  connection.close();
});

Deno.test("Connection - a request that can't be encoded ends for those that observe it, too", async () => {
  const ended: unknown[] = [];
  const { connection } = open({
    prepare: (request) => ({ request, onSettled: (end) => void ended.push(end) }),
  });
  const extFields = { n: 1 } as unknown as Record<string, string>;
  const error = await assertRejects(
    () => connection.request({ code: ASK, extFields }, { timeout: 1_000 }),
    InvalidArgumentError,
  );
  assertEquals(ended, [error]);
  assertEquals(connection.stats().inFlight, 0);
  connection.close();
});
