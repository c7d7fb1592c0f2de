/**
 * Who a client is, and whose names it uses: signatures that servers check, namespaces, and hooks that
 * look on at requests.
 *
 * @module
 */
export {
  addNamespace,
  checkNamespace,
  ClientNamespace,
  namespaceOf,
  unwrapNamespace,
  wrapNamespace,
} from "./namespace.ts";
export {
  Credentials,
  type CredentialsOptions,
  SignatureField,
  signRequest,
} from "./credentials.ts";
export {
  checkRequestHooks,
  type RequestFacts,
  type RequestHook,
  type RequestOutcome,
} from "./request_hook.ts";
export { identifyRequests, type RequestIdentity, showReceived } from "./request_identity.ts";
