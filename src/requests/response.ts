import {
  AccessDeniedError,
  BrokerResponseError,
  type ErrorFacts,
  type MissingPermission,
  printable,
  ProtocolError,
} from "../errors.ts";
import { type RemotingCommand, ResponseCode } from "../remoting/mod.ts";
import type { HeaderContext } from "./header.ts";

/** The server that answered, and the subject of the request, for the error if it refused. */
export interface ResponseContext extends HeaderContext {
  /** `host:port` of the server. */
  address: string;
}

/** Remedies for refusals, by response code. Some apply only to some remarks. */
export type Remedies = Readonly<
  Record<number, string | ((remark: string) => string | undefined)>
>;

/** What was asked of a server, for the error when it refuses. */
export interface Asked {
  /** What could not be done then, as it follows "Cannot": `send a message`. */
  what: string;
  /** Remedies for response codes that have a special meaning here. */
  remedies?: Remedies;
  /** Actions on the topic or group. A user needs permission for one of them. */
  actions?: readonly string[];
}

/** The remark of a broker with `inSyncReplicas` when too few slaves are in sync. Nothing was stored. */
const NOT_IN_SYNC = /in-sync replicas not enough/;

/** The remark of a proxy that compares the message with the attribute `message.type` of its topic. */
const WRONG_TYPE = /expected type is (\w+), but actual type is (\w+)/;

/** Says what helps against MESSAGE_ILLEGAL, which has several reasons. */
function messageRemedy(remark: string): string | undefined {
  const [, expected, actual] = WRONG_TYPE.exec(remark) ?? [];
  if (expected !== undefined) {
    const topic = expected === "UNSPECIFIED" ? "it knows no such topic" : `it is for ${expected}`;
    return `a proxy takes a message only for a topic of its type, ${topic}: make a topic with ` +
      `message.type=${actual} on the brokers, and send to that`;
  }
  if (remark.includes("delay time")) return "the time is in the past or beyond timerMaxDelaySec";
  return "a limit of the broker was passed: maxMessageSize for the body, 32767 bytes for the properties";
}

const REMEDIES: Remedies = {
  [ResponseCode.SYSTEM_ERROR]: (remark) =>
    NOT_IN_SYNC.test(remark)
      ? "too few slaves are in sync with the master, try again when they are"
      : undefined,
  [ResponseCode.SYSTEM_BUSY]: "the server is overloaded, try again later",
  [ResponseCode.REQUEST_CODE_NOT_SUPPORTED]:
    "the server does not know this request: check that the address is of the right kind of server",
  [ResponseCode.SLAVE_NOT_AVAILABLE]: "the broker is a slave, or its slave is not available",
  [ResponseCode.MESSAGE_ILLEGAL]: messageRemedy,
  [ResponseCode.SERVICE_NOT_AVAILABLE]:
    "the broker does not store messages now: its disk is full, it is a slave or it shuts down",
  [ResponseCode.NO_PERMISSION]:
    "check access key and permissions, and that broker and topic have write permission",
  [ResponseCode.TOPIC_NOT_EXIST]: "create the topic, or switch on autoCreateTopicEnable",
  [ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST]:
    "create the consumer group, or switch on autoCreateSubscriptionGroup",
  [ResponseCode.INVALID_PARAMETER]: "the broker does not take one of the values",
  [ResponseCode.FLOW_CONTROL]: "the server limits the rate, try again later",
  [ResponseCode.GO_AWAY]: "the server is shutting down, connect again",
};

/** Explains that a request is not known where brokers and name servers all know it. */
export const NOT_SERVED_BY_PROXY: Remedies = {
  [ResponseCode.REQUEST_CODE_NOT_SUPPORTED]:
    "a proxy does not serve this request: give the option nameServers the name servers of the " +
    "brokers behind it, or use an admin tool there",
};

/** Response codes of transient refusals: the server may carry out the same request later. */
const TRANSIENT_CODES: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.FLOW_CONTROL,
  ResponseCode.GO_AWAY,
]);

/**
 * Remarks of transient refusals under SYSTEM_ERROR, a code that brokers use for anything else as well.
 * They are those of SendMessageProcessor, AbstractSendMessageProcessor and EndTransactionProcessor for
 * what their store refused before it appended anything.
 */
const TRANSIENT_REMARK =
  /in-sync replicas not enough|\[PC_SYNCHRONIZED\]|OS page cache busy|create mapped file failed|timer message is under flow control|broker unable to service, until/i;

/**
 * Reports whether a server certainly did not carry out a request, but may carry out the same one later.
 * Such a request can be sent again without harm, after a pause.
 */
export function isTransientRefusal(error: unknown): boolean {
  return error instanceof BrokerResponseError && isTransient(error.responseCode, error.remark);
}

function isTransient(code: number, remark: string | undefined): boolean {
  if (code === ResponseCode.SYSTEM_ERROR) return TRANSIENT_REMARK.test(remark ?? "");
  return TRANSIENT_CODES.has(code);
}

/**
 * Lets a response pass whose code is success.
 *
 * @throws {BrokerResponseError} with any other code. Its message names the remedy, if there is one.
 */
export function checkSuccess(
  response: RemotingCommand,
  context: ResponseContext,
  asked: Asked,
): void {
  if (response.code === ResponseCode.SUCCESS) return;
  throw refusal(response, context, asked);
}

/** Makes the error for a response whose code is none of those that the caller takes. */
export function refusal(
  response: RemotingCommand,
  context: ResponseContext,
  { what, remedies = {}, actions = [] }: Asked,
): BrokerResponseError {
  const topic = context.topic === undefined ? "" : ` (topic "${printable(context.topic, 128)}")`;
  const broker = context.brokerName === undefined ? "" : `broker "${context.brokerName}" at `;
  const message = `Cannot ${what}${topic}: ${broker}${context.address} refused it`;
  const facts: ErrorFacts & { responseCode: number } = {
    responseCode: response.code,
    remark: response.remark,
    address: context.address,
    brokerName: context.brokerName,
    topic: context.topic,
    isRetriable: response.code === ResponseCode.SLAVE_NOT_AVAILABLE ||
      isTransient(response.code, response.remark),
  };
  const denied = accessRefusal(message, facts, actions);
  if (denied) return denied;
  const remark = printable(response.remark ?? "");
  const remedy = remedyFor(remedies[response.code], remark) ??
    remedyFor(REMEDIES[response.code], remark);
  return new BrokerResponseError(remedy === undefined ? message : `${message} (${remedy})`, facts);
}

function remedyFor(remedy: Remedies[number] | undefined, remark: string): string | undefined {
  return typeof remedy === "function" ? remedy(remark) : remedy;
}

/** Makes the error for a response that says success, but is malformed. */
export function malformed(what: string, reason: string, context: HeaderContext): ProtocolError {
  const from = context.address === undefined ? "" : ` from ${context.address}`;
  return new ProtocolError(`Cannot read ${what}${from}: ${reason}`, context);
}

/** The facts of a refusal. */
type Refused = ErrorFacts & { responseCode: number };

/** Most characters of a remark that are read. */
const MAX_REMARK = 1024;

/** The remark of servers of version 5 about a missing permission; a proxy has it under SYSTEM_ERROR. */
const NO_PERMISSION_V5 = /has no permission to access (\w+):(\S+) from /;

/** The remark of servers of version 4. It follows a class name, under the code of any failure. */
const NO_PERMISSION_V4 = /AclException: (?:No default permission for|Need admin permission)/;

/** Faults of a client's identity, by the remarks of servers of both versions. */
const FAULTS: readonly [said: RegExp, fault: string][] = [
  [
    /^username cannot be null|AclException: No accessKey is configured/,
    "it needs an identity: set the option credentials",
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
 * Makes the error for a refusal because of the sender. Returns undefined for another reason, such as a
 * topic without write permission, which has the same response code.
 *
 * @param actions The user needs permission for one of them.
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
  { remark = "", topic }: Refused,
  actions: readonly string[],
): MissingPermission | undefined {
  const [, type, resource] = NO_PERMISSION_V5.exec(remark) ?? [];
  if (type !== undefined && resource !== undefined) {
    return {
      actions,
      resourceType: printable(type.toLowerCase(), 32),
      resource: printable(resource, 128),
    };
  }
  if (topic === undefined || !NO_PERMISSION_V4.test(remark)) return undefined;
  return { actions, resourceType: "topic", resource: topic };
}

/** Writes a permission: `PUB on topic "orders"`. */
function describePermission({ actions, resourceType, resource }: MissingPermission): string {
  return `${actions.join(" or ") || "a permission"} on ${resourceType} "${resource}"`;
}
