import { describe, printable } from "../errors.ts";

/** The facts of a connection on which TLS fails. */
export interface TlsFailureFacts {
  /** The name that the server's certificate has to be valid for. */
  name: string;
  /** `true` if this client has a certificate. */
  hasCertificate: boolean;
}

type Reason = (match: RegExpExecArray, facts: TlsFailureFacts) => string;
type Reasons = readonly (readonly [pattern: RegExp, reason: Reason])[];

/** Alerts of a peer that refuses. */
const ALERTS: Reasons = [
  [
    /(?:Certificate\w*|\w+Certificate|UnknownCA|AccessDenied|DecryptError)$/,
    ([alert], { hasCertificate }) =>
      hasCertificate
        ? `the peer refuses the certificate of this client (${alert}): ` +
          "pass one in cert that was issued by an authority which the peer trusts"
        : `the peer wants a certificate of this client (${alert}): pass cert and key`,
  ],
  [
    // Versions up to 1.2 have no other alert for a missing certificate.
    /HandshakeFailure$/,
    ([alert], { hasCertificate }) =>
      "the peer has no version and cipher in common with this client, or " +
      (hasCertificate
        ? `refuses its certificate (${alert}): `
        : `wants a certificate of this client (${alert}): pass cert and key, or `) +
      "allow TLS 1.2 or 1.3 there (tls.protocols, tls.ciphers)",
  ],
  [
    /(?:ProtocolVersion|InsufficientSecurity)$/,
    ([alert]) =>
      `the peer has no version and cipher in common with this client (${alert}): ` +
      "allow TLS 1.2 or 1.3 there (tls.protocols, tls.ciphers)",
  ],
];

/** Patterns for the runtime's error texts. The first match wins. */
const PASSING: Reasons = [
  [
    /expired/i,
    () => "its certificate has expired: renew it there, or set the clock of this machine right",
  ],
  [
    /not ?valid ?yet/i,
    () => "its certificate is not valid yet: set the clock of this machine right",
  ],
  [
    /unexpected end of file|tls handshake eof|connection reset|broken pipe/i,
    (_match, { hasCertificate }) =>
      "the peer ended the connection during the handshake, as one does that speaks plain text " +
      `or ${hasCertificate ? "refuses the" : "wants a"} certificate of this client: ` +
      "look at tls.server.mode there",
  ],
];

/** The same for what lasts until an option of this client, or the kind of server there, is another one. */
const LASTING: Reasons = [
  [
    /CaUsedAsEndEntity/,
    () =>
      "its certificate is that of an authority (CA:TRUE), perhaps self-signed: " +
      "have the authority issue one for the server, and pass the authority's in caCerts",
  ],
  [
    /UnknownIssuer/,
    () =>
      "its certificate comes from an unknown issuer: " +
      "pass the certificate of the authority that issued it in caCerts",
  ],
  [
    /not valid for (?:name|any names)|NotValidForName/,
    ({ input }, { name }) =>
      `its certificate is valid for ${namesIn(input)}, not for ${name}: ` +
      "set serverName, or let addressMap give a host name that is in the certificate",
  ],
  [
    /invalid peer certificate: (.+)/,
    ([, detail]) => `its certificate is not acceptable (${printable(detail!, 200)})`,
  ],
  [
    /InvalidContentType/,
    () => "the peer speaks plain text: switch TLS on there (tls.server.mode)",
  ],
];

/** Explains why a handshake failed, and what to do about it. */
export function explainTlsFailure(cause: unknown, facts: TlsFailureFacts): string {
  return explainAlert(cause, facts) ?? find([...PASSING, ...LASTING], textOf(cause), facts) ??
    `TLS failed (${describe(cause)})`;
}

/** Reports whether a handshake fails again however often it is tried. A certificate may be renewed meanwhile. */
export function isLastingTlsFailure(cause: unknown): boolean {
  const text = textOf(cause);
  if (/received fatal alert/.test(text)) return true;
  return !PASSING.some(([pattern]) => pattern.test(text)) &&
    LASTING.some(([pattern]) => pattern.test(text));
}

/** Explains the alert of a peer, if there is one. With TLS 1.3 it may come after the handshake. */
export function explainAlert(cause: unknown, facts: TlsFailureFacts): string | undefined {
  const [, alert] = /received fatal alert: (\w+)/.exec(textOf(cause)) ?? [];
  return alert && (find(ALERTS, alert, facts) ?? `the peer refuses to go on (${alert})`);
}

function find(reasons: Reasons, text: string, facts: TlsFailureFacts): string | undefined {
  for (const [pattern, reason] of reasons) {
    const match = pattern.exec(text);
    if (match) return reason(match, facts);
  }
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Returns the names of a certificate for other hosts, from the error text of the runtime. */
function namesIn(text: string): string {
  const names = [...text.matchAll(/(?:DnsName|IpAddress)\("?([^")]*)"?\)/g)].map(([, name]) =>
    name
  );
  if (names.length > 0) return printable(names.join(" and "), 200);
  return text.includes("any names") ? "no name" : "other names";
}
