import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CertificateAuthority } from "../support/certificates.ts";
import {
  assertRefused,
  authority,
  caCerts,
  failure,
  identity,
  NAMES,
  roundTrip,
} from "./tls_harness.ts";
import { acceptTcp, acceptTls, requireClientCertificate } from "./tls_servers.ts";

for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
  Deno.test(`createTlsDialer() - a client certificate is shown where it is wanted, ${version}`, async () => {
    const client = await authority.issue("producer");
    await using server = await requireClientCertificate(version, identity, authority.cert);

    assertEquals(await roundTrip(server.port, { caCerts, ...client }), "hello");
    assertEquals(server.clients, ["producer"]);
    assertEquals(
      await roundTrip(server.port, { caCerts, ...client }, "localhost"),
      "hello",
    );
  });

  Deno.test(`createTlsDialer() - a server that wants a client certificate refuses others, ${version}`, async () => {
    await using server = await requireClientCertificate(version, identity, authority.cert);
    // Before TLS 1.3 some servers have no word for it that they don't use for other things, too.
    const reason = await failure(server.port, { caCerts });
    assertMatch(
      reason,
      /wants a certificate of this client \((?:CertificateRequired|HandshakeFailure)\)/,
    );
    assertStringIncludes(reason, "pass cert and key");
    const another = await CertificateAuthority.create("Another authority");
    const stranger = await another.issue("stranger");
    // This server tells no reason; with TLS 1.3 it says no only after the handshake.
    assertStringIncludes(
      await failure(server.port, { caCerts, ...stranger }),
      version === "TLSv1.3"
        ? "the peer closed the connection"
        : "speaks plain text or refuses the certificate of this client",
    );
    assertEquals(server.clients, []);
  });
}

Deno.test("createTlsDialer() - with a client certificate the server is verified all the same", async () => {
  const client = await authority.issue("producer");
  const another = await CertificateAuthority.create("Another authority");
  await using unknown = acceptTls(await another.issue("broker", { names: NAMES }));
  await assertRefused(unknown.port, { caCerts, ...client }, "an unknown issuer");
  await using misnamed = acceptTls(await authority.issue("broker", { names: ["example.com"] }));
  await assertRefused(misnamed.port, { caCerts, ...client }, "not for 127.0.0.1");
  await using plain = acceptTcp(async (conn) => {
    await conn.write(new TextEncoder().encode("220 mail.example.com\r\n"));
    await conn.read(new Uint8Array(1));
  });
  await assertRefused(plain.port, { caCerts, ...client }, "the peer speaks plain text");
});
