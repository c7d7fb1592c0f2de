import type { X509Certificate } from "node:crypto";

/** What the runtime says of a fault, in words that are the same in every runtime. */
const CONNECTION_FAULTS: Readonly<Record<string, string>> = {
  ECONNRESET: "Connection reset by peer",
  EPIPE: "Broken pipe",
};

/** What OpenSSL and BoringSSL say of a peer that speaks no TLS. */
const NO_TLS =
  /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|BAD_RECORD_TYPE|HTTP_REQUEST|UNEXPECTED_RECORD|INVALID_ALERT|UNKNOWN_PROTOCOL/;

/** What they say of chains that end at nobody who is trusted. */
const UNKNOWN_ISSUER = /SELF_?SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY)|CERT_UNTRUSTED|INVALID_CA/;

/** The words of alerts that are not as the others. */
const ALERT_WORDS: Readonly<Record<string, string>> = { Ca: "CA" };

/**
 * Turns an error of `node:net` or `node:tls` into one with the words that errors of Deno have, so that
 * one place explains both.
 */
export function toRuntimeError(cause: unknown): Error {
  if (!(cause instanceof Error)) return new Error(String(cause));
  const code = "code" in cause ? String(cause.code) : "";
  const words = cause.message.toLowerCase().replaceAll(" ", "_");
  const text = `${code} ${words}`.toUpperCase();
  const [, alert] = /ALERT_([A-Z_]+)$/.exec(code) ?? /_alert_((?!number)[a-z_]+)/.exec(words) ?? [];
  if (alert) return new Error(`received fatal alert: ${camelCase(alert)}`, { cause });
  if (NO_TLS.test(text)) {
    return new Error("received corrupt message of type InvalidContentType", { cause });
  }
  if (/BEFORE_SECURE_TLS_CONNECTION/.test(text)) return new Error("tls handshake eof", { cause });
  const fault = CONNECTION_FAULTS[code];
  return fault === undefined ? cause : new Error(fault, { cause });
}

function camelCase(alert: string): string {
  return alert.split("_").map((word) => {
    const capitalised = word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase();
    return ALERT_WORDS[capitalised] ?? capitalised;
  }).join("");
}

/** What is known of a server when its handshake is over. */
export interface PeerCertificate {
  /** Its certificate. */
  certificate: X509Certificate;
  /** The host name or IP address that it has to be valid for. */
  name: string;
  /** Whether `name` is an IP address. */
  isAddress: boolean;
  /** Whether the runtime trusts the chain of certificates. */
  isChainTrusted: boolean;
  /** The runtime's reason if it does not. */
  chainFault: unknown;
}

/** What is wrong with a server's certificate in the words of Deno's errors; nothing if it is right. */
export function findCertificateFault(peer: PeerCertificate): string | undefined {
  const { certificate, isChainTrusted, chainFault } = peer;
  if (certificate.ca) return "CaUsedAsEndEntity";
  if (!isChainTrusted) {
    const text = chainFault instanceof Error
      ? `${"code" in chainFault ? chainFault.code : ""} ${chainFault.message}`
      : String(chainFault);
    if (/EXPIRED/i.test(text)) return "Expired";
    if (/NOT_YET_VALID/i.test(text)) return "NotValidYet";
    return UNKNOWN_ISSUER.test(text) ? "UnknownIssuer" : text.trim();
  }
  return isValidFor(peer) ? undefined : nameFault(certificate, peer.name);
}

function isValidFor({ certificate, name, isAddress }: PeerCertificate): boolean {
  if (!certificate.subjectAltName) return false;
  const found = isAddress
    ? certificate.checkIP(name)
    : certificate.checkHost(name, { subject: "never", partialWildcards: false });
  return found !== undefined;
}

function nameFault({ subjectAltName = "" }: X509Certificate, name: string): string {
  const names = Array.from(
    subjectAltName.matchAll(/(DNS|IP Address):([^,]+)/g),
    ([, kind, text]) => `${kind === "DNS" ? "DnsName" : "IpAddress"}("${text}")`,
  );
  return names.length > 0
    ? `certificate not valid for name "${name}"; certificate is only valid for ${
      names.join(" or ")
    }`
    : `certificate not valid for name "${name}"; certificate is not valid for any names`;
}
