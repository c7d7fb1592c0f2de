import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ConnectionError } from "../../src/errors.ts";
import { createTlsDialer, dialTcp } from "../../src/transport/mod.ts";
import { CertificateAuthority, createSelfSigned } from "../support/certificates.ts";
import {
  assertRefused,
  authority,
  caCerts,
  dial,
  identity,
  NAMES,
  open,
  roundTrip,
} from "./tls_harness.ts";
import { acceptTcp, acceptTls } from "./tls_servers.ts";

const HOUR = 3_600_000;
Deno.test("createTlsDialer() - a server with a certificate of a trusted authority is accepted", async () => {
  await using server = acceptTls(identity);
  assertEquals(await roundTrip(server.port), "hello");
  assertEquals(await roundTrip(server.port, { caCerts }, "localhost"), "hello");
  const transport = await dial(server.port);
  assertEquals(transport.localHost, "127.0.0.1");
  transport.close();
});

Deno.test("createTlsDialer() - serverName is what the certificate has to be valid for", async () => {
  await using server = acceptTls(await authority.issue("broker", { names: ["mq.example.com"] }));
  assertEquals(
    await roundTrip(server.port, { caCerts, serverName: "mq.example.com" }),
    "hello",
  );
  const error = await assertRefused(
    server.port,
    { caCerts },
    "valid for mq.example.com, not for 127.0.0.1",
    "set serverName",
  );
  assertInstanceOf(error.cause, Deno.errors.InvalidData);
  await assertRefused(server.port, { caCerts, serverName: "localhost" }, "not for localhost");
});

Deno.test("createTlsDialer() - a certificate without a name is refused, also where its subject fits", async () => {
  await using server = acceptTls(await authority.issue("127.0.0.1"));
  await assertRefused(server.port, { caCerts }, "valid for no name, not for 127.0.0.1");
});

Deno.test("createTlsDialer() - a certificate of an unknown issuer is refused", async () => {
  const another = await CertificateAuthority.create("Another authority");
  await using server = acceptTls(identity);
  const says = ["an unknown issuer", "pass the certificate of the authority", "caCerts"];
  await assertRefused(server.port, {}, ...says);
  await assertRefused(server.port, { caCerts: [another.cert] }, ...says);
  // One of several is enough, also where they are in one text.
  const both = { caCerts: [another.cert + authority.cert] };
  assertEquals(await roundTrip(server.port, both), "hello");
});

Deno.test("createTlsDialer() - a self-signed certificate is refused until it is trusted itself", async () => {
  const selfSigned = await createSelfSigned("broker", { names: NAMES });
  await using server = acceptTls(selfSigned);
  await assertRefused(server.port, {}, "an unknown issuer");
  assertEquals(await roundTrip(server.port, { caCerts: [selfSigned.cert] }), "hello");
});

Deno.test("createTlsDialer() - an authority's own certificate is not a server's", async () => {
  const selfSigned = await createSelfSigned("broker", { names: NAMES, isAuthority: true });
  await using server = acceptTls(selfSigned);
  const says = ["that of an authority (CA:TRUE)", "issue one for the server"];
  await assertRefused(server.port, {}, ...says);
  await assertRefused(server.port, { caCerts: [selfSigned.cert] }, ...says);
});

Deno.test("createTlsDialer() - a certificate counts only in its time", async () => {
  const now = Date.now();
  await using expired = acceptTls(
    await authority.issue("broker", {
      names: NAMES,
      notBefore: new Date(now - 2 * HOUR),
      notAfter: new Date(now - HOUR),
    }),
  );
  const error = await assertRefused(expired.port, { caCerts }, "has expired: renew it");
  // An operator may renew it while the client goes on trying.
  assert(error.isRetriable);
  await using early = acceptTls(
    await authority.issue("broker", {
      names: NAMES,
      notBefore: new Date(now + HOUR),
      notAfter: new Date(now + 2 * HOUR),
    }),
  );
  await assertRefused(early.port, { caCerts }, "is not valid yet", "clock");
});

Deno.test("createTlsDialer() - a peer that speaks plain text is refused, and gets nothing but a handshake", async () => {
  const received: Uint8Array[] = [];
  {
    await using talker = acceptTcp(async (conn) => {
      const buffer = new Uint8Array(65536);
      for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
        received.push(buffer.slice(0, n));
        if (received.length > 1) continue;
        await conn.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
      }
    });
    const error = await assertRefused(
      talker.port,
      { caCerts },
      "the peer speaks plain text",
      "tls.server.mode",
    );
    assertInstanceOf(error.cause, Deno.errors.InvalidData);
  }
  // The first byte of a handshake: no connection without TLS was tried after it.
  assertEquals(received.map(([first]) => first).filter((first) => first !== 0x15), [0x16]);

  // As RocketMQ does with a frame that it can't read, or with its TLS disabled.
  await using closer = acceptTcp(async (conn) => {
    await conn.read(new Uint8Array(1));
  });
  await assertRefused(
    closer.port,
    { caCerts },
    "ended the connection during the handshake",
    "as one does that speaks plain text or wants a certificate of this client",
  );
});

Deno.test("createTlsDialer() - a dialler of plain text does not get on with a TLS server either", async () => {
  await using server = acceptTls(identity);
  const { signal } = new AbortController();
  const transport = await dialTcp("127.0.0.1", server.port, { signal });
  await transport.writable.getWriter().write(new Uint8Array(16));
  const answer = await transport.readable.getReader().read();
  // The server's alert: fatal.
  assertEquals(answer.value?.[0] ?? 0x15, 0x15);
  transport.close();
});

Deno.test("createTlsDialer() - a silent peer is given up at the deadline, and nothing goes on", async () => {
  await using server = acceptTcp(async (conn) => {
    const buffer = new Uint8Array(4096);
    while (await conn.read(buffer) !== null);
  });
  for (const options of [{ caCerts }, { caCerts, ...identity }]) {
    const controller = new AbortController();
    const dialled = createTlsDialer(options)("127.0.0.1", server.port, controller);
    const started = performance.now();
    setTimeout(() => controller.abort(new Error("too late")), 100);
    await assertRejects(() => dialled, Error, "too late");
    assert(performance.now() - started < 1000);
  }
});

Deno.test("createTlsDialer() - connect() says that there was no connection in time", async () => {
  await using server = acceptTcp(async (conn) => {
    const buffer = new Uint8Array(4096);
    while (await conn.read(buffer) !== null);
  });
  const error = await assertRejects(() => open(server.port, { caCerts }, 100), ConnectionError);
  assertEquals(
    error.message,
    `Cannot connect to 127.0.0.1:${server.port}: no connection within 100 ms`,
  );
});

Deno.test("createTlsDialer() - a connection that comes too late is closed", async () => {
  // Nobody accepts, and the queue is full: a dial waits until there is room again.
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const { port } = listener.addr as Deno.NetAddr;
  const waiting: Deno.Conn[] = [];
  for (let isFull = false; !isFull;) {
    const signal = AbortSignal.timeout(200);
    await Deno.connect({ hostname: "127.0.0.1", port, signal }).then(
      (conn) => waiting.push(conn),
      () => isFull = true,
    );
  }
  const controller = new AbortController();
  const dialled = createTlsDialer({ caCerts, ...identity })("127.0.0.1", port, controller);
  setTimeout(() => controller.abort(new Error("too late")), 50);
  await assertRejects(() => dialled, Error, "too late");

  const accepted: Deno.Conn[] = [];
  for (let i = 0; i < waiting.length; i++) accepted.push(await listener.accept());
  for (const conn of waiting) conn.close();
  // It comes when the system tries again, after a second. The sanitizer sees whether it is closed.
  accepted.push(await listener.accept());
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (const conn of accepted) conn.close();
  listener.close();
});

Deno.test("createTlsDialer() - a dial that was aborted before does not begin", async () => {
  let accepted = 0;
  await using server = acceptTcp(() => {
    accepted++;
    return Promise.resolve();
  });
  for (const options of [{ caCerts }, { caCerts, ...identity }]) {
    const signal = AbortSignal.abort(new Error("not at all"));
    const dialled = createTlsDialer(options)("127.0.0.1", server.port, { signal });
    await assertRejects(() => dialled, Error, "not at all");
  }
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(accepted, 0);
});

Deno.test("createTlsDialer() - where nothing listens, the reason is that and not TLS", async () => {
  const server = acceptTcp(() => Promise.resolve());
  await server[Symbol.asyncDispose]();
  for (const options of [{ caCerts }, { caCerts, ...identity }]) {
    const error = await assertRejects(() => open(server.port, options), ConnectionError);
    assertStringIncludes(error.message, "connection refused, nothing listens there");
  }
});

Deno.test("createTlsDialer() - a peer that leaves without TLS's farewell has just closed the connection", async () => {
  await using relay = acceptTcp(async (conn) => {
    await using server = acceptTls(identity);
    using upstream = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const buffer = new Uint8Array(65536);
    // The handshake, and then the end of TCP alone.
    const pump = async (from: Deno.Conn, to: Deno.Conn) => {
      const n = await from.read(buffer);
      if (n !== null) await to.write(buffer.slice(0, n));
    };
    await pump(conn, upstream);
    await pump(upstream, conn);
    await pump(conn, upstream);
  });
  const connection = await open(relay.port, { caCerts });
  const { by, reason } = await connection.closed;
  assertEquals([by, reason], ["peer", "the peer closed the connection"]);
});
