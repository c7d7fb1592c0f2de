import {
  checkNamespace,
  checkRequestHooks,
  ClientNamespace,
  Credentials,
  type CredentialsOptions,
  type RequestHook,
  type RequestIdentity,
} from "../access/mod.ts";
import { InvalidArgumentError, printable } from "../errors.ts";

/** The identity of a client, and its namespace. */
export interface AccessOptions {
  /**
   * Signs every request (HMAC-SHA1). Inspecting, logging and serializing do not show the secret. Use
   * TLS too: a signature proves the sender of a message, and does not hide the message.
   */
  credentials?: CredentialsOptions;
  /**
   * Namespace, version 1: 1 to 100 of `A-Z a-z 0-9 _ - |`. Servers know topics and groups as
   * `namespace%name`. The application uses the plain names, also in results, events and check-backs.
   */
  namespace?: string;
  /** Namespace, version 2: names stay plain. Every request carries the header fields `ns` and `nsd`. */
  namespaceV2?: string;
  /** Unit that this client belongs to. It is part of its client id: `ip@instanceName@unitName`. */
  unitName?: string;
  /**
   * Says in the client id and on every request that this is a stream client.
   *
   * @default {false}
   */
  enableStreamRequestType?: boolean;
  /** Observe every request, in this order, and may add header fields before it is signed. */
  requestHooks?: readonly RequestHook[];
}

/** {@linkcode AccessOptions}, checked and complete. */
export interface AccessSettings extends RequestIdentity {
  /** The part of the client id after `ip@instanceName`. */
  readonly clientIdSuffix: string;
}

/** Checks the identity of a client. No object shows the secret from here on. @throws {InvalidArgumentError} */
export function resolveAccessOptions(options: AccessOptions): AccessSettings {
  const { credentials, namespace, namespaceV2, unitName, requestHooks = [] } = options;
  const { enableStreamRequestType = false } = options;
  if (typeof enableStreamRequestType !== "boolean") {
    throw new InvalidArgumentError("Cannot use option enableStreamRequestType: it is no boolean");
  }
  if (namespaceV2 !== undefined) checkNamespace(2, namespaceV2);
  if (unitName !== undefined) checkUnitName(unitName);
  checkRequestHooks(requestHooks);
  const suffix = [...(unitName === undefined ? [] : [unitName])];
  if (enableStreamRequestType) suffix.push("STREAM");
  return {
    credentials: credentials === undefined ? undefined : new Credentials(credentials),
    namespace: namespace === undefined ? undefined : new ClientNamespace(namespace),
    namespaceV2,
    enableStreamRequestType,
    requestHooks: [...requestHooks],
    clientIdSuffix: suffix.map((part) => `@${part}`).join(""),
  };
}

function checkUnitName(name: unknown): void {
  if (typeof name === "string" && /^[\w.%|-]{1,127}$/.test(name)) return;
  throw new InvalidArgumentError(
    `Cannot use option unitName: it must be 1 to 127 of the characters A-Z a-z 0-9 _ - . % |, ` +
      `current value is "${printable(String(name), 64)}"`,
  );
}
