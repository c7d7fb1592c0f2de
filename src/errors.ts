/**
 * Names a failure, one name for each thing that a caller may want to distinguish.
 *
 * | code | meaning |
 * | --- | --- |
 * | `INVALID_ARGUMENT` | an option, message or call is refused before anything is sent |
 * | `FORBIDDEN` | a send hook refused the message |
 * | `INVALID_STATE` | the object is not started, already started, or closed |
 * | `OVERLOADED` | a bound of this client is reached: sends or requests in flight, or their bytes |
 * | `CONNECT_FAILED` | no connection to an address could be made |
 * | `CONNECTION_LOST` | a connection ended while something waited on it |
 * | `TIMEOUT` | no answer within the deadline |
 * | `ABORTED` | the caller's `AbortSignal` ended the call; the error's name is `AbortError` |
 * | `NO_ROUTE` | no name server knows a usable route of the topic |
 * | `BROKER_REFUSED` | the server answered with a response code other than success |
 * | `PROTOCOL` | the peer sent something that this protocol does not allow |
 * | `DECODE` | bytes are not a frame, header or message |
 * | `SEND_FAILED` | a half message was certainly not stored, or not so that it can become visible |
 * | `SEND_INDETERMINATE` | a half message may have been stored; its local transaction did not run |
 * | `LOCAL_TRANSACTION_FAILED` | the work of a transaction threw, or returned no state: the check-back decides |
 */
export type RocketMQErrorCode =
  | "INVALID_ARGUMENT"
  | "INVALID_STATE"
  | "FORBIDDEN"
  | "OVERLOADED"
  | "CONNECT_FAILED"
  | "CONNECTION_LOST"
  | "TIMEOUT"
  | "ABORTED"
  | "NO_ROUTE"
  | "BROKER_REFUSED"
  | "PROTOCOL"
  | "DECODE"
  | "SEND_FAILED"
  | "SEND_INDETERMINATE"
  | "LOCAL_TRANSACTION_FAILED";

/** The facts that an error of this module may carry besides its message. They depend on the error. */
export interface ErrorFacts extends ErrorOptions {
  /** `host:port` of the server that it is about. */
  address?: string | undefined;
  /** Name of the broker that it is about. */
  brokerName?: string | undefined;
  /** Topic that it is about. */
  topic?: string | undefined;
  /** The response code with which a server refused. */
  responseCode?: number | undefined;
  /** The remark of that response, as it came. */
  remark?: string | undefined;
  /** `true` if the same call may succeed later, unchanged. */
  isRetriable?: boolean | undefined;
  /** `true` if at least one byte of the request was handed to the connection. */
  written?: boolean | undefined;
  /** Position of the offending bytes, counted from the first byte of the frame or message. */
  offset?: number | undefined;
  /** The bound that was passed, in bytes or in entries. */
  limit?: number | undefined;
  /** The id under which a later check-back would come. */
  transactionId?: string | undefined;
}

/**
 * The base of every error that this module throws. Its message says what could not be done, to which
 * server, and if possible what to do about it. It never holds a body or a secret. It is one line
 * without control characters, whatever a server said.
 *
 * @example
 * ```ts
 * import { RocketMQError } from "@rocketmq-deno/client";
 *
 * function shouldTryAgain(error: unknown): boolean {
 *   return error instanceof RocketMQError && error.isRetriable;
 * }
 * ```
 */
export class RocketMQError extends Error {
  /** Class name, also in minified code. */
  override name = "RocketMQError";
  /** What kind of failure it is. */
  readonly code: RocketMQErrorCode;
  /** `host:port` of the server, if one was involved. */
  readonly address?: string;
  /** Name of the broker, if one was involved. */
  readonly brokerName?: string;
  /** The topic, if one was involved. */
  readonly topic?: string;
  /** The response code with which a server refused, if one did. */
  readonly responseCode?: number;
  /** `true` if the same call may succeed later, unchanged. */
  readonly isRetriable: boolean;

  /** Makes an error. Only this module and tests need to. */
  constructor(code: RocketMQErrorCode, message: string, options: ErrorFacts = {}) {
    super(printable(message, 4096), "cause" in options ? { cause: causeOf(options) } : undefined);
    this.code = code;
    this.isRetriable = options.isRetriable ?? false;
    if (options.address !== undefined) this.address = options.address;
    if (options.brokerName !== undefined) this.brokerName = options.brokerName;
    if (options.topic !== undefined) this.topic = options.topic;
    if (options.responseCode !== undefined) this.responseCode = options.responseCode;
  }
}

/** The name by which the platform's own errors tell that a signal ended a call. */
const ABORT_ERROR = "AbortError";

/** Returns the reason of an abort in place of errors that only hand it on. */
function causeOf({ cause }: ErrorFacts): unknown {
  const isAbort = cause instanceof RocketMQError && cause.name === ABORT_ERROR;
  return isAbort && cause.cause !== undefined ? cause.cause : cause;
}

/** An option, message or argument was refused before anything was sent. */
export class InvalidArgumentError extends RocketMQError {
  /** Class name, also in minified code. */
  override name = "InvalidArgumentError";

  /** Takes a message that names the argument, its value and what is allowed. */
  constructor(message: string, options: ErrorFacts = {}) {
    super("INVALID_ARGUMENT", message, options);
  }
}

/** The call does not fit the state of the object: not started, started twice, or closed. */
export class InvalidStateError extends RocketMQError {
  /** Class name, also in minified code. */
  override name = "InvalidStateError";

  /** Takes a message that names the state and the call that would fit. */
  constructor(message: string, options: ErrorFacts = {}) {
    super("INVALID_STATE", message, options);
  }
}

/** A send hook refused a message. Nothing of it was sent. */
export class SendForbiddenError extends RocketMQError {
  /** Class name, also in minified code. */
  override name = "SendForbiddenError";
}

/**
 * A request ended without an answer: no connection could be made, the connection ended, the
 * deadline passed, the caller aborted it, or a bound was reached.
 */
export class ConnectionError extends RocketMQError {
  /** Class name, also in minified code. `AbortError` if the caller's signal ended the call. */
  override name = "ConnectionError";
  /** `true` if the server may have seen the request: at least one byte of it was handed to the connection. */
  readonly written: boolean;

  /** Takes the code of the ending that it was. */
  constructor(
    code: "CONNECT_FAILED" | "CONNECTION_LOST" | "TIMEOUT" | "ABORTED" | "OVERLOADED",
    message: string,
    options: ErrorFacts = {},
  ) {
    super(code, message, options);
    if (code === "ABORTED") this.name = ABORT_ERROR;
    this.written = options.written ?? false;
  }
}

/** No name server knows a usable route of a topic. */
export class TopicRouteNotFoundError extends RocketMQError {
  /** Class name, also in minified code. */
  override name = "TopicRouteNotFoundError";

  /** Takes a message that names the topic, the name servers that were queried, and the remedy. */
  constructor(message: string, options: ErrorFacts = {}) {
    super("NO_ROUTE", message, options);
  }
}

/** A server answered a request with a response code other than success. */
export class BrokerResponseError extends RocketMQError {
  /** Class name, also in minified code. */
  override name = "BrokerResponseError";
  /** The response code. {@linkcode ResponseCode} of `./remoting` names the known ones. */
  declare readonly responseCode: number;
  /** The server's own words, on one line, control characters escaped, at most 512 characters. */
  readonly remark: string;

  /** Takes a message that says what was refused. Code and remark are added to it. */
  constructor(message: string, options: ErrorFacts & { responseCode: number }) {
    const remark = printable(options.remark ?? "");
    super(
      "BROKER_REFUSED",
      `${message}: response code ${options.responseCode}${remark ? `, "${remark}"` : ""}`,
      options,
    );
    this.remark = remark;
  }
}

/** A permission that a server demands and that the user of an access key lacks. */
export interface MissingPermission {
  /** The actions, any one of which is enough: `PUB`, `SUB`, `GET`, `CREATE`, `UPDATE`. May be empty. */
  readonly actions: readonly string[];
  /** Kind of the resource: `topic`, `group`, `cluster`. */
  readonly resourceType: string;
  /** Name of the resource as servers know it, with its namespace. */
  readonly resource: string;
}

/**
 * A server refused a request because of its sender: it does not accept the client's identity
 * (`authentication`), or the user lacks a permission (`authorization`). The message says what to do,
 * and `missingPermission` names the permission.
 *
 * @example
 * ```ts
 * import { AccessDeniedError } from "@rocketmq-deno/client";
 *
 * function explain(error: unknown): string | undefined {
 *   if (!(error instanceof AccessDeniedError)) return undefined;
 *   const { actions, resourceType, resource } = error.missingPermission ?? {};
 *   return actions ? `grant ${actions.join(" or ")} on ${resourceType} ${resource}` : error.message;
 * }
 * ```
 */
export class AccessDeniedError extends BrokerResponseError {
  /** Class name, also in minified code. */
  override name = "AccessDeniedError";
  /** The reason: the server does not accept the identity of the client, or does not permit the request. */
  readonly reason: "authentication" | "authorization";
  /** The missing permission, if the server says on what. */
  readonly missingPermission?: MissingPermission;

  /** Takes a message that says what was refused and why. Code and remark are added to it. */
  constructor(
    message: string,
    facts: ErrorFacts & {
      responseCode: number;
      reason: "authentication" | "authorization";
      missingPermission?: MissingPermission | undefined;
    },
  ) {
    super(message, facts);
    this.reason = facts.reason;
    if (facts.missingPermission !== undefined) this.missingPermission = facts.missingPermission;
  }
}

/** The peer sent something that the protocol does not allow: a field is missing or not what it should be. */
export class ProtocolError extends RocketMQError {
  /** Class name, also in minified code. */
  override name = "ProtocolError";

  /** Takes a message that names the field and what is wrong with it. */
  constructor(message: string, options: ErrorFacts = {}) {
    super("PROTOCOL", message, options);
  }
}

/**
 * Bytes from the network are not a remoting frame. Their connection is of no use any more: nothing
 * says where the next frame begins.
 */
export class RemotingDecodeError extends RocketMQError {
  /** Class name, also in minified code. */
  override name = "RemotingDecodeError";
  /** Position of the offending bytes, counted from the first byte of the frame. */
  readonly offset: number;
  /** The bound that was passed, if it was one. */
  readonly limit?: number;

  /** Takes a message that says what was found and what was expected. */
  constructor(message: string, options: ErrorFacts = {}) {
    super("DECODE", message, options);
    this.offset = options.offset ?? 0;
    if (options.limit !== undefined) this.limit = options.limit;
  }
}

/** Bytes are not a stored message, a properties string, a message id or a compressed body. */
export class MessageDecodeError extends RocketMQError {
  /** Class name, also in minified code. */
  override name = "MessageDecodeError";
  /** Position of the offending bytes, counted from the first byte of the input. */
  readonly offset: number;
  /** The bound that was passed, if it was one. */
  readonly limit?: number;

  /** Takes a message that says what was found and what was expected. */
  constructor(message: string, options: ErrorFacts = {}) {
    super("DECODE", message, options);
    this.offset = options.offset ?? 0;
    if (options.limit !== undefined) this.limit = options.limit;
  }
}

/**
 * A transactional send ended before its local transaction was run.
 *
 * `failed`: no half message of this call can become visible. `indeterminate`: a half message may have
 * been stored. A later check-back for it reaches the listener with `localTransactionRan: false`, and
 * the right answer is rollback. In both cases the local transaction has not run, and never will for
 * this call.
 */
export class TransactionSendError extends RocketMQError {
  /** Class name, also in minified code. `AbortError` if the caller's signal ended the call. */
  override name = "TransactionSendError";
  /** `true` if a half message may exist. */
  readonly outcome: "failed" | "indeterminate";
  /** The transaction id of this call, if it got one. */
  readonly transactionId?: string;

  /** Takes the outcome, which decides the code. */
  constructor(
    outcome: "failed" | "indeterminate",
    message: string,
    options: ErrorFacts = {},
  ) {
    super(outcome === "failed" ? "SEND_FAILED" : "SEND_INDETERMINATE", message, options);
    const { cause } = options;
    if (cause instanceof ConnectionError && cause.code === "ABORTED") this.name = ABORT_ERROR;
    this.outcome = outcome;
    if (options.transactionId !== undefined) this.transactionId = options.transactionId;
  }
}

/**
 * The work of `transaction()` threw, returned something else than a state, or had not ended when the
 * producer was closed. `cause` is what it threw.
 *
 * The half message is stored, and the broker was told UNKNOWN. So it checks back, and the answer decides
 * whether the message becomes visible: have `checkLocalTransaction` look in the database.
 *
 * @example
 * ```ts
 * import { LocalTransactionError, type TransactionProducer } from "@rocketmq-deno/client";
 *
 * async function answerOrder(
 *   producer: TransactionProducer,
 *   insert: (transactionId: string) => Promise<void>,
 * ): Promise<number> {
 *   try {
 *     await producer.transaction(
 *       { topic: "orders", body: "order 1" },
 *       ({ transactionId }) => insert(transactionId),
 *     );
 *     return 201;
 *   } catch (error) {
 *     if (error instanceof LocalTransactionError) return 500; // insert() threw error.cause
 *     throw error;
 *   }
 * }
 * ```
 */
export class LocalTransactionError extends RocketMQError {
  /** Class name, also in minified code. */
  override name = "LocalTransactionError";
  /** The id that the check-back for it will carry. */
  readonly transactionId: string;
  /**
   * What became of the END_TRANSACTION that says UNKNOWN: `sent`, or `failed` if it did not leave. The
   * broker checks back in both cases, after `failed` as if the process had died.
   */
  readonly endTransaction: "sent" | "failed";
  /** Why END_TRANSACTION failed, if it failed. */
  readonly endTransactionError?: Error;

  /** Takes the facts of the transaction, and what the work threw as `cause`. */
  constructor(
    message: string,
    facts: ErrorFacts & {
      transactionId: string;
      endTransaction: "sent" | "failed";
      endTransactionError?: Error | undefined;
    },
  ) {
    super("LOCAL_TRANSACTION_FAILED", message, facts);
    this.transactionId = facts.transactionId;
    this.endTransaction = facts.endTransaction;
    if (facts.endTransactionError) this.endTransactionError = facts.endTransactionError;
  }
}

/** Reads the stacks of errors that have got that of a caller, as they were before. */
const ownStacks = new WeakMap<RocketMQError, () => string>();

/**
 * Adds the caller's part to the stack of an error that comes from a timer, a socket, or a look-up that
 * several calls share. Such a stack names no line of the application. To be called in the `catch` of an
 * async method of the API: there the runtime knows who awaits it. Returns a copy of an error that has
 * got the stack of another caller before. The text is made when it is read: that takes a tenth of a
 * millisecond, and an outage fails thousands of calls at the same moment.
 */
export function withCaller(error: unknown): unknown {
  if (!(error instanceof RocketMQError)) return error;
  const here = new Error(), known = ownStacks.get(error), readOwn = known ?? stackReaderOf(error);
  const owner = known === undefined ? error : copyOf(error);
  ownStacks.set(owner, readOwn);
  Object.defineProperty(owner, "stack", {
    configurable: true,
    get: () => joinStacks(readOwn(), here),
    set: (value: string) => void Object.defineProperty(owner, "stack", { value, writable: true }),
  });
  return owner;
}

/** Returns a function that reads the stack of an error, without having its text made before, if it can. */
function stackReaderOf(error: Error): () => string {
  const { get, value } = Object.getOwnPropertyDescriptor(error, "stack") ?? {};
  return () => String((get ? get.call(error) : value) ?? "");
}

function joinStacks(own: string, here: Error): string {
  const [, , edge = "", ...callers] = here.stack?.split("\n") ?? [];
  if (callers.length === 0 || own.includes(callers[0]!)) return own;
  return [own, edge, ...callers].join("\n");
}

/** Waits for work that an async method of the API hands on, and adds the caller to the stack of its error. */
export async function traced<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw withCaller(error);
  }
}

function copyOf(error: RocketMQError): RocketMQError {
  const copy = new Error(error.message, "cause" in error ? { cause: error.cause } : undefined);
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error));
  return Object.assign(copy, error) as RocketMQError;
}

/**
 * Makes text from elsewhere fit for a log line: one line of well-formed text, no longer than `limit`
 * UTF-16 units. Escapes what could change how the line looks: control and format characters, those
 * that are invisible or turn the direction of text, and lone surrogates.
 */
export function printable(text: string, limit = 512): string {
  const escaped = text.slice(0, limit + 1).replace(/[\p{C}\u2028\u2029]/gu, escapeCharacter);
  if (escaped.length <= limit) return escaped;
  const end = limit - 1, isPairCut = /[\ud800-\udbff]/.test(escaped[end - 1] ?? "");
  return `${escaped.slice(0, isPairCut ? end - 1 : end)}…`;
}

function escapeCharacter(character: string): string {
  if (character === "\n") return "\\n";
  const digits = character.codePointAt(0)!.toString(16).padStart(4, "0");
  return digits.length > 4 ? `\\u{${digits}}` : `\\u${digits}`;
}

/** Returns the message of anything that was thrown, fit for a log line. Never throws. */
export function describe(error: unknown): string {
  try {
    return printable(String(error instanceof Error ? error.message || error.name : error));
  } catch {
    return "something that can't be shown as text";
  }
}
