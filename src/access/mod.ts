/**
 * Who a client is, and whose names it uses: signatures that servers check, namespaces, and hooks that
 * look on at requests.
 *
 * @module
 */
export { ClientNamespace } from "./client_namespace.ts";
export { Credentials, type CredentialsOptions } from "./credentials.ts";
export {
  addNamespace,
  checkNamespace,
  namespaceOf,
  unwrapNamespace,
  wrapNamespace,
} from "./namespace.ts";
export { loadNodeCrypto } from "./node_crypto.ts";
export { checkRequestHooks } from "./request_hook.ts";
export type { RequestFacts, RequestHook, RequestOutcome } from "./request_hook.ts";
export {
  identifyRequests,
  type MakeOutgoing,
  type OutgoingRequest,
  type RequestIdentity,
  showReceived,
} from "./request_identity.ts";
export { SignatureField, signRequest } from "./signature.ts";
