import { describe, InvalidArgumentError, printable } from "../errors.ts";
import {
  type RemotingCommand,
  type RemotingRequest,
  requestName,
  withFields,
} from "../remoting/internal.ts";
import { SignatureField } from "./credentials.ts";

/** What a {@linkcode RequestHook} sees of a request. Bodies, tokens and signatures are left out. */
export interface RequestFacts {
  /** Request code. `RequestCode` of `./remoting` names them. */
  readonly code: number;
  /** Header fields: names and values as they are on the wire. */
  readonly fields: Readonly<Record<string, string>>;
  /** Size of the body in bytes. */
  readonly bodySize: number;
  /** `true` if it is one-way: no answer is expected. */
  readonly oneway: boolean;
}

/**
 * How a request ended.
 *
 * - `answered`: the server answered, perhaps with a refusal.
 * - `sent`: it was one-way and handed to the connection.
 * - `failed`: there was no answer.
 */
export type RequestOutcome =
  | {
    /** The server answered. */
    readonly type: "answered";
    /** Response code; 0 is success. */
    readonly code: number;
    /** The server's own words, as they came. */
    readonly remark?: string;
    /** Header fields of the answer. */
    readonly fields: Readonly<Record<string, string>>;
    /** Size of the answer's body in bytes. */
    readonly bodySize: number;
  }
  | {
    /** It was written and is one-way. */
    readonly type: "sent";
  }
  | {
    /** No answer came. */
    readonly type: "failed";
    /** Why. */
    readonly error: Error;
  };

/**
 * Observes every request of a client, also heartbeats and those to name servers. Its methods are called
 * synchronously and have to be quick.
 *
 * @example Tell servers the version of the application
 * ```ts
 * import { Producer, type RequestHook } from "@rocketmq-deno/client";
 *
 * const release: RequestHook = { before: () => ({ release: "2026-10" }) };
 * const producer = new Producer({
 *   nameServers: "127.0.0.1:9876",
 *   producerGroup: "order_service",
 *   requestHooks: [release],
 * });
 * ```
 */
export interface RequestHook {
  /**
   * Called before a request is signed and sent. The header fields that it returns are added. Fields
   * that are there can't be changed. If it throws, the request is not sent, and fails with an
   * `InvalidArgumentError` whose `cause` is what was thrown.
   */
  before?(request: RequestFacts, address: string): Readonly<Record<string, string>> | void;
  /**
   * Called when a request has ended, also one that never left. What it throws is logged, and has no
   * other effect.
   */
  after?(request: RequestFacts, outcome: RequestOutcome, address: string): void;
  /**
   * Called with a request that a server sent, for instance a check-back, before it is handled. What it
   * throws is logged, and has no other effect.
   */
  received?(request: RequestFacts, address: string): void;
}

const SECRET_FIELDS: ReadonlySet<string> = new Set(Object.values(SignatureField));

/** Checks that hooks are a list of objects with the methods of one. @throws {InvalidArgumentError} */
export function checkRequestHooks(hooks: unknown): asserts hooks is readonly RequestHook[] {
  const isHook = (hook: unknown): boolean =>
    typeof hook === "object" && hook !== null &&
    (["before", "after", "received"] as const).every((name) =>
      ["undefined", "function"].includes(typeof (hook as RequestHook)[name])
    );
  if (Array.isArray(hooks) && hooks.every(isHook)) return;
  throw new InvalidArgumentError(
    "Cannot use option requestHooks: it must be a list of objects, whose before, after and received " +
      "are methods where they are there",
  );
}

/** Returns what hooks see of a request that leaves. */
export function factsOf(request: RemotingRequest, oneway: boolean): RequestFacts {
  return {
    code: request.code,
    fields: redacted(request.extFields),
    bodySize: request.body?.length ?? 0,
    oneway,
  };
}

/** Returns what hooks see of how a request ended. */
export function outcomeOf(end: RemotingCommand | Error | undefined): RequestOutcome {
  if (end === undefined) return { type: "sent" };
  if (end instanceof Error) return { type: "failed", error: end };
  return {
    type: "answered",
    code: end.code,
    ...(end.remark === undefined ? {} : { remark: end.remark }),
    fields: redacted(end.extFields),
    bodySize: end.body.length,
  };
}

/**
 * Returns a request with the fields that one hook adds.
 *
 * @throws {InvalidArgumentError} when the hook throws, or returns what can't be added.
 */
export function runBefore(
  hook: RequestHook,
  request: RemotingRequest,
  { address, oneway }: { address: string; oneway: boolean },
): RemotingRequest {
  const refuse = (reason: string, cause?: unknown) =>
    new InvalidArgumentError(`Cannot send ${requestName(request.code)} to ${address}: ${reason}`, {
      address,
      ...(cause === undefined ? {} : { cause }),
    });
  let added: unknown;
  try {
    added = hook.before?.(factsOf(request, oneway), address);
  } catch (cause) {
    throw refuse(`a request hook threw: ${describe(cause)}`, cause);
  }
  if (added === undefined) return request;
  if (added === null || typeof added !== "object" || "then" in added) {
    throw refuse("a request hook gave something else than header fields");
  }
  let extFields = { ...request.extFields };
  for (const [name, value] of Object.entries(added)) {
    const fault = typeof value !== "string" || !value.isWellFormed() || !name.isWellFormed()
      ? "whose value is no well-formed text"
      : name === "" || Object.hasOwn(extFields, name) || SECRET_FIELDS.has(name)
      ? "which is taken"
      : undefined;
    if (fault) {
      const shownName = printable(name, 64);
      throw refuse(`a request hook gave header field "${shownName}", ${fault}`);
    }
    // Unlike an assignment this takes "__proto__" for a name like any other.
    extFields = { ...extFields, [name]: value as string };
  }
  return withFields(request, extFields);
}

function redacted(fields: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return Object.freeze(
    Object.fromEntries(Object.entries(fields).filter(([name]) => !SECRET_FIELDS.has(name))),
  );
}
