/** A certificate and its private key, as the texts of PEM files. */
export interface Identity {
  cert: string;
  key: string;
}

/** What a certificate says. */
export interface CertificateOptions {
  /** Host names and IPv4 addresses that it is valid for. */
  names?: readonly string[];
  /** @default {an hour ago} */
  notBefore?: Date;
  /** @default {in an hour} */
  notAfter?: Date;
  /** Whether it is an authority's. @default {false} */
  isAuthority?: boolean;
}

const HOUR = 3_600_000;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };

/** The identifiers of what is in a certificate. */
const Oid = {
  commonName: [0x55, 0x04, 0x03],
  subjectAltName: [0x55, 0x1d, 0x11],
  basicConstraints: [0x55, 0x1d, 0x13],
  extKeyUsage: [0x55, 0x1d, 0x25],
  serverAuth: [0x2b, 6, 1, 5, 5, 7, 3, 1],
  clientAuth: [0x2b, 6, 1, 5, 5, 7, 3, 2],
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2],
};

/**
 * An authority that issues X.509 certificates for tests, with nothing but Web Crypto: no machine has to
 * have a tool for that.
 */
export class CertificateAuthority {
  /** Its own certificate as PEM. */
  readonly cert: string;
  readonly #name: string;
  readonly #key: CryptoKey;

  private constructor(name: string, cert: string, key: CryptoKey) {
    this.#name = name;
    this.cert = cert;
    this.#key = key;
  }

  /** Makes a new authority that nobody trusts yet. */
  static async create(name = "Test authority"): Promise<CertificateAuthority> {
    const keys = await createKeys();
    const cert = await createCertificate(name, keys.publicKey, name, keys.privateKey, {
      isAuthority: true,
    });
    return new CertificateAuthority(name, cert, keys.privateKey);
  }

  /** Issues a certificate for a new key. */
  async issue(subject: string, options: CertificateOptions = {}): Promise<Identity> {
    const keys = await createKeys();
    const cert = await createCertificate(subject, keys.publicKey, this.#name, this.#key, options);
    return { cert, key: await exportKey(keys.privateKey) };
  }
}

/** A certificate that no authority has issued. */
export async function createSelfSigned(
  subject: string,
  options: CertificateOptions = {},
): Promise<Identity> {
  const keys = await createKeys();
  const cert = await createCertificate(subject, keys.publicKey, subject, keys.privateKey, options);
  return { cert, key: await exportKey(keys.privateKey) };
}

async function createKeys(): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function exportKey(key: CryptoKey): Promise<string> {
  return pem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", key)));
}

async function createCertificate(
  subject: string,
  publicKey: CryptoKey,
  issuer: string,
  issuerKey: CryptoKey,
  options: CertificateOptions,
): Promise<string> {
  const {
    names = [],
    notBefore = new Date(Date.now() - HOUR),
    notAfter = new Date(Date.now() + HOUR),
    isAuthority = false,
  } = options;
  const algorithm = sequence(oid(Oid.ecdsaWithSha256));
  const content = sequence(
    der(0xa0, integer([2])),
    integer([...crypto.getRandomValues(new Uint8Array(8))]),
    algorithm,
    distinguishedName(issuer),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(subject),
    [...new Uint8Array(await crypto.subtle.exportKey("spki", publicKey))],
    der(0xa3, sequence(...extensions(names, isAuthority))),
  );
  const hash = { name: "ECDSA", hash: "SHA-256" };
  const signature = new Uint8Array(
    await crypto.subtle.sign(hash, issuerKey, Uint8Array.from(content)),
  );
  const pair = sequence(integer([...signature.slice(0, 32)]), integer([...signature.slice(32)]));
  return pem("CERTIFICATE", Uint8Array.from(sequence(content, algorithm, bitString(pair))));
}

function extensions(names: readonly string[], isAuthority: boolean): number[][] {
  const result = [
    extension(Oid.basicConstraints, sequence(isAuthority ? der(1, [0xff]) : [])),
  ];
  if (names.length > 0) {
    result.push(extension(Oid.subjectAltName, sequence(...names.map(generalName))));
  }
  if (!isAuthority) {
    result.push(extension(Oid.extKeyUsage, sequence(oid(Oid.serverAuth), oid(Oid.clientAuth))));
  }
  return result;
}

function extension(id: number[], value: number[]): number[] {
  return sequence(oid(id), der(0x04, value));
}

function generalName(name: string): number[] {
  const isAddress = /^\d+(\.\d+){3}$/.test(name);
  return isAddress ? der(0x87, name.split(".").map(Number)) : der(0x82, ascii(name));
}

function distinguishedName(commonName: string): number[] {
  return sequence(der(0x31, sequence(oid(Oid.commonName), der(0x0c, ascii(commonName)))));
}

/** UTCTime, which certificates have until 2049: two digits of the year. */
function time(date: Date): number[] {
  const digits = date.toISOString().replace(/\.\d+|[-:T]/g, "");
  return der(0x17, ascii(digits.slice(2)));
}

/** A number that is not negative, whatever its first bit is. */
function integer(bytes: number[]): number[] {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = bytes.slice(start);
  return der(0x02, digits[0]! < 0x80 ? digits : [0, ...digits]);
}

function bitString(bytes: number[]): number[] {
  return der(0x03, [0, ...bytes]);
}

function oid(bytes: number[]): number[] {
  return der(0x06, bytes);
}

function sequence(...parts: number[][]): number[] {
  return der(0x30, parts.flat());
}

/** A value in the Distinguished Encoding Rules: tag, length, content. */
function der(tag: number, content: number[]): number[] {
  const length = content.length;
  const size = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >>> 8, length & 0xff];
  return [tag, ...size, ...content];
}

function ascii(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

function pem(label: string, bytes: Uint8Array): string {
  const lines = btoa(String.fromCharCode(...bytes)).match(/.{1,64}/g)!.join("\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
