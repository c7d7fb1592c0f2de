import {
  AccessDeniedError,
  type ErrorFacts,
  type MissingPermission,
  printable,
} from "../errors.ts";
import { ResponseCode } from "../remoting/mod.ts";

/** The facts of a refusal. */
type Refused = ErrorFacts & { responseCode: number };

/** Characters of a remark that are looked at. */
const MAX_REMARK = 1024;

/** What a server of version 5 says of a permission. */
const NO_PERMISSION_V5 = /has no permission to access (\w+):(\S+) from /;

/** What one of version 4 says of a permission, behind a class name and under the code of any failure. */
const NO_PERMISSION_V4 = /AclException: (?:No default permission for|Need admin permission)/;

/** What is wrong with the identity of a client, by what servers of both versions say. */
const FAULTS: readonly [said: RegExp, fault: string][] = [
  [
    /^username cannot be null|AclException: No accessKey is configured/,
    "it wants to know who asks: set the option credentials",
  ],
  [
    /^User:.* (?:is )?not found|AclException: No (?:acl config|PlainAccessResource) for/,
    "authentication failed, it knows no user with this access key: check accessKey, and that the " +
    "user was made on this server",
  ],
  [/^User:.* is disabled/, "authentication failed, the user of this access key is disabled"],
  [
    /^check signature failed|AclException: Check signature failed/,
    "authentication failed, the signature is wrong: check secretKey",
  ],
  [/^Authentication failed/, "authentication failed: check accessKey and secretKey"],
];

/**
 * The error for a refusal because of who asked; undefined when it was refused for another reason,
 * such as a topic without write permission, which has the same response code.
 *
 * @param actions What the user needs one of.
 */
export function accessRefusal(
  message: string,
  facts: Refused,
  actions: readonly string[],
): AccessDeniedError | undefined {
  const { responseCode } = facts, remark = facts.remark?.slice(0, MAX_REMARK) ?? "";
  if (responseCode !== ResponseCode.NO_PERMISSION && responseCode !== ResponseCode.SYSTEM_ERROR) {
    return undefined;
  }
  const missingPermission = permissionOf({ ...facts, remark }, actions);
  if (missingPermission) {
    return new AccessDeniedError(
      `${message}, the user of the access key lacks ${
        describePermission(missingPermission)
      }: have it granted`,
      { ...facts, reason: "authorization", missingPermission },
    );
  }
  const fault = FAULTS.find(([said]) => said.test(remark))?.[1];
  return fault === undefined ? undefined : new AccessDeniedError(
    `${message}, ${fault}`,
    { ...facts, reason: "authentication" },
  );
}

function permissionOf(
  { remark = "", topic, responseCode }: Refused,
  actions: readonly string[],
): MissingPermission | undefined {
  const [, type, resource] = NO_PERMISSION_V5.exec(remark) ?? [];
  if (type !== undefined && resource !== undefined) {
    if (responseCode !== ResponseCode.NO_PERMISSION) return undefined;
    return {
      actions,
      resourceType: printable(type.toLowerCase(), 32),
      resource: printable(resource, 128),
    };
  }
  if (topic === undefined || !NO_PERMISSION_V4.test(remark)) return undefined;
  return { actions, resourceType: "topic", resource: topic };
}

/** `PUB on topic "orders"`. */
function describePermission({ actions, resourceType, resource }: MissingPermission): string {
  return `${actions.join(" or ") || "a permission"} on ${resourceType} "${resource}"`;
}
