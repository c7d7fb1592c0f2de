import { checkNames, namesOf } from "../checks.ts";
import { InvalidArgumentError } from "../errors.ts";
import { type RemotingRequest, withFields } from "../remoting/internal.ts";
import { loadNodeCrypto } from "../runtime.ts";

/** The identity of a client, for servers that check it. */
export interface CredentialsOptions {
  /** Name of the user. It goes out with every request. */
  accessKey: string;
  /** The secret that only the user and the servers know. It never goes out. */
  secretKey: string;
  /** Token of a temporary user (STS). It goes out with every request. */
  securityToken?: string | undefined;
}

const CREDENTIALS_OPTIONS = namesOf<CredentialsOptions>({
  accessKey: true,
  secretKey: true,
  securityToken: true,
});

/**
 * The identity of a client, for servers that check it. The secret can be used here, but not read:
 * inspecting, serializing, spreading and cloning show neither it nor the token.
 */
export class Credentials {
  /** Name of the user. */
  readonly accessKey: string;
  readonly #secretKey: string;
  readonly #securityToken: string | undefined;

  /**
   * Copies what it needs, and keeps no reference to `options`.
   *
   * @throws {InvalidArgumentError} when a key or the token is missing, empty, or has characters that
   * no key has. The message never shows a value.
   */
  constructor(options: CredentialsOptions) {
    if (options === null || typeof options !== "object") {
      throw new InvalidArgumentError("Cannot use credentials: accessKey and secretKey are needed");
    }
    checkNames(options, CREDENTIALS_OPTIONS, "credentials option");
    const { accessKey, secretKey, securityToken } = options;
    checkText("accessKey", accessKey);
    checkText("secretKey", secretKey);
    if (securityToken !== undefined) checkText("securityToken", securityToken);
    this.accessKey = accessKey;
    this.#secretKey = secretKey;
    this.#securityToken = securityToken;
  }

  /** Returns the token of a temporary user (STS), if there is one. No getter, which inspecting would show. */
  securityToken(): string | undefined {
    return this.#securityToken;
  }

  /** Signs a text, as UTF-8, and the bytes after it: HMAC-SHA1 in base64. */
  sign(text: string, body: Uint8Array): string {
    const { createHmac } = loadNodeCrypto();
    return createHmac("sha1", this.#secretKey).update(text).update(body).digest("base64");
  }
}

/** Refuses what can't be a key, without showing it. */
function checkText(name: string, value: unknown): asserts value is string {
  const fault = typeof value !== "string"
    ? `it has to be text, and is ${value === null ? "null" : typeof value}`
    : value === ""
    ? `it is empty${name === "securityToken" ? ", leave it out when there is none" : ""}`
    : /\p{Cc}/u.test(value)
    ? "it has a line break or another control character, perhaps from the file it was read from"
    : value.isWellFormed()
    ? undefined
    : "it is not well-formed Unicode";
  if (fault) throw new InvalidArgumentError(`Cannot use credentials: ${name} is wrong, ${fault}`);
}

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
 * Returns a request with the fields that identify its sender. The signature covers all fields and the
 * body, so this has to be the last step before the request is encoded. A signature that is there
 * already is replaced.
 *
 * Fields without a value are left out. In the binary header they look like absent ones, and a server
 * that reads them as absent computes another signature.
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

/** Joins the values in the order of their names, by UTF-16 code units as in Java. */
function signedText(extFields: Readonly<Record<string, string>>): string {
  const text = Object.keys(extFields).sort().map((name) => extFields[name]!).join("");
  // Where half of a surrogate pair stands alone, Java signs a question mark.
  return text.isWellFormed() ? text : text.replace(/\p{Surrogate}/gu, "?");
}
