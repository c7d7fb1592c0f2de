/**
 * The identity of a client: signatures that servers check, namespaces, and hooks that observe
 * requests.
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
