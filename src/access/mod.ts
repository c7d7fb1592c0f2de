/**
 * Who a client is, and whose names it uses: signatures that servers check, and namespaces.
 *
 * @module
 */
export { Credentials, type CredentialsOptions } from "./credentials.ts";
export {
  addNamespace,
  checkNamespace,
  namespaceOf,
  unwrapNamespace,
  wrapNamespace,
} from "./namespace.ts";
export { SignatureField, signRequest } from "./signature.ts";
