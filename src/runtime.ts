/** `true` if this runtime is Deno. Others are used through the modules that they share with Node.js. */
export const isDeno: boolean = "Deno" in globalThis;

/** The part of `node:crypto` that is used. */
export type NodeCrypto = Pick<
  typeof import("node:crypto"),
  "createHmac" | "createPrivateKey" | "X509Certificate"
>;

/**
 * Loads the cryptography of the runtime at its first use. Importing it takes longer than half of this
 * package, and without credentials and certificates nothing of it is used.
 */
export function loadNodeCrypto(): NodeCrypto {
  return globalThis.process.getBuiltinModule("node:crypto");
}

/** Loads `node:net`, which nothing uses in Deno. Bundlers for browsers see no import of it. */
export function loadNodeNet(): typeof import("node:net") {
  return globalThis.process.getBuiltinModule("node:net");
}

/** Loads `node:fs`, which nothing uses in Deno. */
export function loadNodeFs(): typeof import("node:fs") {
  return globalThis.process.getBuiltinModule("node:fs");
}

/** Loads `node:http`, which nothing uses in Deno. */
export function loadNodeHttp(): typeof import("node:http") {
  return globalThis.process.getBuiltinModule("node:http");
}

/** Loads `node:tls`, which nothing uses in Deno. */
export function loadNodeTls(): NodeTls {
  return globalThis.process.getBuiltinModule("node:tls") as NodeTls;
}

type Tls = typeof import("node:tls");

/** `node:tls` with what newer versions have. */
export type NodeTls = Omit<Tls, "getCACertificates"> & {
  /** The authorities that the runtime trusts, those of its environment and options too. */
  getCACertificates?(type: "default"): string[];
};
