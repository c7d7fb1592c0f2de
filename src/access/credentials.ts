import { InvalidArgumentError } from "../errors.ts";
import { loadNodeCrypto } from "./node_crypto.ts";

/** Who a client is to servers that check it, as an application gives it. */
export interface CredentialsOptions {
  /** Name of the user. It goes out with every request. */
  accessKey: string;
  /** The secret that only the user and the servers know. It never goes out. */
  secretKey: string;
  /** Token of a temporary user (STS). It goes out with every request. */
  securityToken?: string | undefined;
}

/**
 * Who a client is to servers that check it. The secret can be used here and not be read: it is not in
 * what inspecting, serializing, spreading or cloning shows, and the token is not either.
 */
export class Credentials {
  /** Name of the user. */
  readonly accessKey: string;
  readonly #secretKey: string;
  readonly #securityToken: string | undefined;

  /**
   * Copies what it needs, so that nothing holds on to `options`.
   *
   * @throws {InvalidArgumentError} when a key or the token is missing, empty, or has characters that
   * no key has. The message never shows a value.
   */
  constructor(options: CredentialsOptions) {
    if (options === null || typeof options !== "object") {
      throw new InvalidArgumentError("Cannot use credentials: accessKey and secretKey are needed");
    }
    const { accessKey, secretKey, securityToken } = options;
    checkText("accessKey", accessKey);
    checkText("secretKey", secretKey);
    if (securityToken !== undefined) checkText("securityToken", securityToken);
    this.accessKey = accessKey;
    this.#secretKey = secretKey;
    this.#securityToken = securityToken;
  }

  /** Token of a temporary user (STS), if there is one. A method, because getters can be inspected. */
  securityToken(): string | undefined {
    return this.#securityToken;
  }

  /** HMAC-SHA1 of text, as UTF-8, and of the bytes after it: base64. */
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
