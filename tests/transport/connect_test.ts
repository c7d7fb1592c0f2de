import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ConnectionError } from "../../src/errors.ts";
import {
  connect,
  type ConnectOptions,
  type Dialer,
  type Transport,
} from "../../src/transport/mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { createStreamPair } from "../support/stream_pair.ts";
import { silentWarnings } from "../support/test_client.ts";

/** A dialer whose dials end when the test says so, whatever their signal does. */
class PendingDialer {
  readonly dials: { host: string; port: number; signal: AbortSignal }[] = [];
  #answers: PromiseWithResolvers<Transport>[] = [];

  readonly dial: Dialer = (host, port, { signal }) => {
    this.dials.push({ host, port, signal });
    const answer = Promise.withResolvers<Transport>();
    this.#answers.push(answer);
    return answer.promise;
  };

  /** Lets all dials end. */
  end(transport: Transport): void {
    for (const { resolve } of this.#answers) resolve(transport);
  }
}

function options(clock: FakeClock, dialer: Dialer): ConnectOptions {
  return {
    dialer,
    host: "10.0.0.1",
    port: 10911,
    address: "10.0.0.1:10911",
    clock,
    warnings: silentWarnings,
    timeout: 3_000,
  };
}

async function assertConnectFails(
  connecting: Promise<unknown>,
  facts: { code: string; isRetriable: boolean },
  ...parts: string[]
): Promise<ConnectionError> {
  const error = await assertRejects(() => connecting, ConnectionError);
  const { code, isRetriable, address, written } = error;
  assertEquals(
    { code, isRetriable, address, written },
    { ...facts, address: "10.0.0.1:10911", written: false },
  );
  for (const part of ["Cannot connect to 10.0.0.1:10911: ", ...parts]) {
    assertStringIncludes(error.message, part);
  }
  return error;
}

Deno.test("connect - a dial that goes well leaves no timer and no listener", async () => {
  const clock = new FakeClock(), dialer = new PendingDialer();
  const caller = new AbortController();
  const connecting = connect({ ...options(clock, dialer.dial), signal: caller.signal });
  await settle();
  dialer.end(createStreamPair().transport);

  const connection = await connecting;
  assertEquals(connection.address, "10.0.0.1:10911");
  assertEquals([connection.isOpen, clock.pendingTimers], [true, 0]);
  caller.abort();
  assert(connection.isOpen, "the signal is for the dial only");
  connection.close();
});

Deno.test("connect - a black hole ends at the deadline, and a late connection is closed", async () => {
  const clock = new FakeClock(), dialer = new PendingDialer();
  const failure = assertConnectFails(
    connect(options(clock, dialer.dial)),
    { code: "CONNECT_FAILED", isRetriable: true },
    "no connection within 3000 ms",
  );
  await clock.advance(2_999);
  assertEquals(dialer.dials[0]!.signal.aborted, false);
  await clock.advance(1);
  await failure;
  assert(dialer.dials[0]!.signal.aborted, "the dialer is told");

  const { transport, peer } = createStreamPair();
  dialer.end(transport);
  await settle();
  assertEquals(peer.closeCalls, 1);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("connect - the caller can abort a dial, and a late connection is closed", async () => {
  const clock = new FakeClock(), dialer = new PendingDialer();
  const caller = new AbortController(), reason = new Error("shutting down");
  const connecting = connect({ ...options(clock, dialer.dial), signal: caller.signal });
  const failure = assertConnectFails(
    connecting,
    { code: "ABORTED", isRetriable: false },
    "the caller aborted it",
  );
  caller.abort(reason);

  assertEquals((await failure).cause, reason);
  const { transport, peer } = createStreamPair();
  dialer.end(transport);
  await settle();
  assertEquals([peer.closeCalls, clock.pendingTimers], [1, 0]);
});

Deno.test("connect - a caller that has aborted before gets no connection", async () => {
  const clock = new FakeClock(), { transport, peer } = createStreamPair();
  const dialer: Dialer = () => Promise.resolve(transport);
  const connecting = connect({ ...options(clock, dialer), signal: AbortSignal.abort() });

  await assertConnectFails(connecting, { code: "ABORTED", isRetriable: false });
  await settle();
  assertEquals([peer.closeCalls, clock.pendingTimers], [1, 0]);
});

Deno.test("connect - a refused dial says that nothing listens", async () => {
  const clock = new FakeClock();
  const cause = new Deno.errors.ConnectionRefused("Connection refused (os error 111)");
  const error = await assertConnectFails(
    connect(options(clock, () => Promise.reject(cause))),
    { code: "CONNECT_FAILED", isRetriable: true },
    "connection refused, nothing listens there",
  );
  assertEquals([error.cause, clock.pendingTimers], [cause, 0]);
});

Deno.test("connect - a dialer that throws at once is a failed dial", async () => {
  const clock = new FakeClock();
  const dialer: Dialer = () => {
    throw new Error("no such host\u001b[31m");
  };
  await assertConnectFails(
    connect(options(clock, dialer)),
    { code: "CONNECT_FAILED", isRetriable: true },
    "no such host\\u001b[31m",
  );
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("connect - without permission the error names the flag and trying again is useless", async () => {
  const clock = new FakeClock();
  for (const cause of [new Deno.errors.NotCapable("x"), new Deno.errors.PermissionDenied("x")]) {
    await assertConnectFails(
      connect(options(clock, () => Promise.reject(cause))),
      { code: "CONNECT_FAILED", isRetriable: false },
      "run it with --allow-net=10.0.0.1:10911 or --allow-net",
    );
  }
});
