import { assertFalse, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { InvalidArgumentError } from "../../src/errors.ts";
import { createTlsDialer, type TlsOptions } from "../../src/transport/mod.ts";
import { authority, caCerts, dial, identity } from "./tls_harness.ts";
import { acceptTcp } from "./tls_servers.ts";

Deno.test("createTlsDialer() - an option that can't work is refused at once, and not shown", async () => {
  const other = await authority.issue("other");
  const damaged = authority.cert.replace(/\n.{20}/, "\nAAAAAAAAAAAAAAAAAAAA");
  const secret = identity.key.split("\n")[1]!;
  const encrypted =
    `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${secret}\n-----END ENCRYPTED PRIVATE KEY-----`;
  const broken = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`;
  for (
    const [says, options] of [
      ["caCerts: it has to be a list", { caCerts: authority.cert }],
      ["caCerts[1]: it is not a certificate in PEM form", { caCerts: [authority.cert, "ca.pem"] }],
      ["caCerts[0]: it is not a certificate in PEM form", { caCerts: [identity.key] }],
      ["caCerts[0]: it is not a certificate in PEM form", { caCerts: [new Uint8Array(3)] }],
      ["caCerts[0]: a certificate in it is damaged", { caCerts: [authority.cert + damaged] }],
      ["serverName: it has to be a host name", { serverName: "" }],
      ["serverName: it has to be a host name", { serverName: "a b" }],
      ["serverName: it has to be a host name", { serverName: "https://a" }],
      ["serverName: it has to be a host name", { serverName: "mq.example.com:9876" }],
      ["serverName: it has to be a host name", { serverName: "10.0.0.1:9876" }],
      ["key: cert and key are needed together", { key: identity.key }],
      ["cert: cert and key are needed together", { cert: identity.cert }],
      ["cert: it is not a certificate in PEM form", { ...identity, cert: "client.pem" }],
      ["key: it is not a private key in PEM form", { ...identity, key: "client.key" }],
      ["key: it is not a private key in PEM form", { ...identity, key: identity.cert }],
      ["key: it has a password", { ...identity, key: encrypted }],
      ["key: it is damaged", { ...identity, key: broken }],
      ["key: it is not the key of cert", { ...identity, key: other.key }],
      ["serverName: with cert, servers are verified", { ...identity, serverName: "a" }],
    ] as [string, TlsOptions][]
  ) {
    const error = assertThrows(() => createTlsDialer(options), InvalidArgumentError);
    assertStringIncludes(error.message, `Cannot use TLS option ${says}`);
    assertFalse(Deno.inspect(error, { depth: 10 }).includes(secret), says);
  }
});

Deno.test("createTlsDialer() - the private key is in nothing that shows the dialer or an error of it", async () => {
  const secret = identity.key.split("\n")[1]!;
  const dialer = createTlsDialer({ caCerts, ...identity });
  await using server = acceptTcp(() => Promise.resolve());
  const error = await assertRejects(() => dial(server.port, { caCerts, ...identity }));
  for (const value of [dialer, { dialer }, error]) {
    assertFalse(
      Deno.inspect(value, { depth: 10, showHidden: true, getters: true }).includes(secret),
    );
    assertFalse((JSON.stringify(value) ?? "").includes(secret));
  }
});

Deno.test("createTlsDialer() - a server name is a host name or an IP address of either kind", () => {
  for (const serverName of ["mq.example.com", "mq", "10.0.0.1", "fd00::2", "::ffff:10.0.0.1"]) {
    createTlsDialer({ serverName });
  }
});
