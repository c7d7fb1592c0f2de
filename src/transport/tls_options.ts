import type { KeyObject, X509Certificate } from "node:crypto";
import { checkNames, namesOf } from "../checks.ts";
import { InvalidArgumentError } from "../errors.ts";
import { loadNodeCrypto } from "../runtime.ts";

/** Configures connections over TLS. Servers are always verified: no option changes that. */
export interface TlsOptions {
  /**
   * Certificates of authorities that may issue servers' certificates, as the text of PEM files.
   *
   * @default {those that the runtime trusts; these are added to them}
   */
  caCerts?: readonly string[];
  /**
   * The name, or IP address, that every server's certificate has to be valid for. Use it if servers are
   * dialled by addresses that are not in their certificates. It can't be combined with `cert`.
   *
   * @default {the host that is dialled}
   */
  serverName?: string;
  /** Certificate of this client and its chain, as the text of a PEM file, for servers that demand one. */
  cert?: string;
  /** Private key of `cert`, as the text of a PEM file without a password. */
  key?: string;
}

/** {@linkcode TlsOptions}, checked and copied. */
export interface TlsSettings {
  /** See {@linkcode TlsOptions.caCerts}. */
  readonly caCerts: string[];
  /** See {@linkcode TlsOptions.serverName}. */
  readonly serverName: string | undefined;
  /** Certificate and key of this client. */
  readonly client: { cert: string; key: string } | undefined;
}

const TLS_OPTIONS = namesOf<TlsOptions>({ caCerts: true, serverName: true, cert: true, key: true });

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const ENCRYPTED_KEY = /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/;
const SERVER_NAME = /^[\w.-]{1,253}$/;

/**
 * Checks what the runtime would accept silently, and fail on later with another reason.
 *
 * @throws {InvalidArgumentError} naming the option. The message never shows its value.
 */
export function checkTlsOptions(options: TlsOptions): TlsSettings {
  checkNames(options, TLS_OPTIONS, "TLS option");
  const { caCerts = [], serverName, cert, key } = options;
  if (!Array.isArray(caCerts)) throw refuse("caCerts", "it has to be a list of PEM texts");
  caCerts.forEach((text, index) => readCertificates(`caCerts[${index}]`, text));
  if (serverName !== undefined && !isServerName(serverName)) {
    throw refuse("serverName", "it has to be a host name or an IP address, without a port");
  }
  const client = checkClient(cert, key);
  if (client && serverName !== undefined) {
    throw refuse(
      "serverName",
      "with cert, servers are verified by the host that is dialled: " +
        "let addressMap give host names that are in their certificates",
    );
  }
  return { caCerts: [...caCerts], serverName, client };
}

function isServerName(name: unknown): boolean {
  return typeof name === "string" &&
    (SERVER_NAME.test(name) ||
      (/^[0-9A-Fa-f:.]{2,45}$/.test(name) && URL.canParse(`http://[${name}]`)));
}

function checkClient(cert: unknown, key: unknown): TlsSettings["client"] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw refuse(cert === undefined ? "key" : "cert", "cert and key are needed together");
  }
  const [certificate] = readCertificates("cert", cert);
  if (!certificate!.checkPrivateKey(readKey(key))) {
    throw refuse("key", "it is not the key of cert");
  }
  return { cert: cert as string, key: key as string };
}

/** Reads the certificates in a PEM text. There has to be at least one. */
function readCertificates(name: string, text: unknown): X509Certificate[] {
  const blocks = typeof text === "string" ? text.match(CERTIFICATE) ?? [] : [];
  if (blocks.length === 0) throw refuse(name, notPem("certificate"));
  const { X509Certificate } = loadNodeCrypto();
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw refuse(name, "a certificate in it is damaged", cause);
  }
}

function readKey(text: unknown): KeyObject {
  if (typeof text !== "string" || !/BEGIN [A-Z ]*PRIVATE KEY/.test(text)) {
    throw refuse("key", notPem("private key"));
  }
  if (ENCRYPTED_KEY.test(text)) throw refuse("key", "it has a password, take that off");
  try {
    return loadNodeCrypto().createPrivateKey(text);
  } catch (cause) {
    throw refuse("key", "it is damaged, or of a kind that the runtime does not know", cause);
  }
}

function notPem(what: string): string {
  return `it is not a ${what} in PEM form, pass the text of the file and not its path`;
}

function refuse(name: string, reason: string, cause?: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    `Cannot use TLS option ${name}: ${reason}`,
    cause === undefined ? {} : { cause },
  );
}
