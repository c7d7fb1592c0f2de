import { assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { explainTlsFailure } from "../../src/transport/tls_failure.ts";

const FACTS = { name: "mq.example.com", hasCertificate: false };

/** What other versions of the runtime say, and what no server of these tests does. */
const MESSAGES = [
  ["received fatal alert: UnknownCA", "wants a certificate of this client (UnknownCA)"],
  ["received fatal alert: BadCertificate", "pass cert and key"],
  ["received fatal alert: HandshakeFailure", "no version and cipher in common"],
  ["received fatal alert: HandshakeFailure", "or wants a certificate of this client"],
  ["received fatal alert: ProtocolVersion", "allow TLS 1.2 or 1.3 there"],
  ["received fatal alert: InternalError", "the peer refuses to go on (InternalError)"],
  ["invalid peer certificate: NotValidYet", "is not valid yet"],
  [
    "invalid peer certificate: certificate expired: verification time 17 (UNIX), but …",
    "has expired",
  ],
  ["invalid peer certificate: BadSignature", "is not acceptable (BadSignature)"],
  [
    "invalid peer certificate: NotValidForName",
    "is valid for other names, not for mq.example.com",
  ],
  ["tls handshake eof", "the peer ended the connection during the handshake"],
  ["Connection reset by peer (os error 104)", "the peer ended the connection during the handshake"],
  ["something new\nin two lines", "TLS failed (something new\\nin two lines)"],
] as const;

Deno.test("explainTlsFailure() - says what is wrong and what to do about it", () => {
  for (const [message, reason] of MESSAGES) {
    assertStringIncludes(explainTlsFailure(new Error(message), FACTS), reason);
  }
  assertEquals(explainTlsFailure("odd", FACTS), "TLS failed (odd)");
});

Deno.test("explainTlsFailure() - a client that has a certificate is not told to pass one at all", () => {
  const alert = new Error("received fatal alert: UnknownCA");
  const reason = explainTlsFailure(alert, { ...FACTS, hasCertificate: true });
  assertStringIncludes(reason, "refuses the certificate of this client (UnknownCA)");
  assertStringIncludes(reason, "which the peer trusts");
});

Deno.test("explainTlsFailure() - the names in a foreign certificate fit on a line", () => {
  const names = Array.from({ length: 100 }, (_, i) => `DnsName("host-\n${i}")`).join(" or ");
  const message =
    `certificate not valid for name "mq.example.com"; certificate is only valid for ` +
    `${names} or IpAddress(10.0.0.1)`;
  const reason = explainTlsFailure(new Error(`invalid peer certificate: ${message}`), FACTS);
  assertStringIncludes(reason, "valid for host-\\n0 and host-\\n1 and");
  assertStringIncludes(reason, "…, not for mq.example.com: set serverName");
  assertFalse(reason.includes("\n"));
});
