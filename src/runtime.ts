/** The part of `node:crypto` that is used. */
export type NodeCrypto = Pick<
  typeof import("node:crypto"),
  "createHmac" | "createPrivateKey" | "X509Certificate"
>;

/**
 * The cryptography of the runtime, loaded when it is needed first: an import of it takes longer than
 * half of this whole package, and without credentials and certificates nothing of it is used.
 */
export function loadNodeCrypto(): NodeCrypto {
  return globalThis.process.getBuiltinModule("node:crypto");
}
