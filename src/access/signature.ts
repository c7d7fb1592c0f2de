import { type RemotingRequest, withFields } from "../remoting/internal.ts";
import type { Credentials } from "./credentials.ts";

/** The header fields of a signed request, by their names on the wire. */
export const SignatureField = {
  /** Name of the user. */
  AccessKey: "AccessKey",
  /** Token of a temporary user. */
  SecurityToken: "SecurityToken",
  /** HMAC-SHA1 of all other values and the body, base64. */
  Signature: "Signature",
} as const;

const NO_BODY = new Uint8Array(0);

/**
 * The same request with the fields that show who sends it. The signature is over all fields and the
 * body, so this has to be the last step before the request is encoded; a signature that is there
 * already is replaced.
 *
 * Fields without a value are left out: the binary header can't tell them from absent ones, and a
 * server that reads them as absent comes to another signature.
 */
export function signRequest(request: RemotingRequest, credentials: Credentials): RemotingRequest {
  const { AccessKey, SecurityToken, Signature } = SignatureField;
  const extFields = Object.fromEntries(
    Object.entries(request.extFields ?? {}).filter(([name, value]) =>
      value !== "" && name !== Signature
    ),
  );
  extFields[AccessKey] = credentials.accessKey;
  const token = credentials.securityToken();
  if (token !== undefined) extFields[SecurityToken] = token;
  extFields[Signature] = credentials.sign(signedText(extFields), request.body ?? NO_BODY);
  return withFields(request, extFields);
}

/** The values in the order of their names, which is that of UTF-16 code units, as in Java. */
function signedText(extFields: Readonly<Record<string, string>>): string {
  const text = Object.keys(extFields).sort().map((name) => extFields[name]!).join("");
  // Where half of a surrogate pair stands alone, Java signs a question mark.
  return text.isWellFormed() ? text : text.replace(/\p{Surrogate}/gu, "?");
}
