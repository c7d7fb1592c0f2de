import { describe, InvalidArgumentError, SendForbiddenError } from "../errors.ts";
import type { ThrottledLogger } from "../logger.ts";
import type { MessageQueue } from "../message/mod.ts";
import type { SendKind, SendStatus } from "../requests/mod.ts";
import type { SendEnd, SendObservation, SendObserver, SendStart } from "./watch.ts";

/** Describes a message of a send to a hook. */
export interface SendHookMessage {
  /** The id that the producer gave it; of a transactional message the transaction id. */
  readonly messageId: string;
  /** All of its properties, including tag, keys and those of the system. */
  readonly properties: Readonly<Record<string, string>>;
  /** Bytes of its body, before compression. */
  readonly bodySize: number;
}

/** Describes a send to a hook. */
export interface SendContext {
  /** Kind of the send. */
  readonly kind: SendKind;
  /** Topic of the messages. */
  readonly topic: string;
  /** Group of the producer. */
  readonly producerGroup: string;
  /** The message; of a batch all of them. */
  readonly messages: readonly SendHookMessage[];
}

/** Tells a hook how a send ended. */
export interface SendOutcome {
  /** Milliseconds that it took, the wait for its turn and all attempts together. */
  readonly duration: number;
  /** Reason of its failure. */
  readonly error?: unknown;
  /** What the broker said; a one-way message has none. */
  readonly result?: {
    /** How safely it was stored. */
    readonly sendStatus: SendStatus;
    /** The ids that say where the messages are stored. */
    readonly offsetMessageIds: readonly string[];
    /** The queue that it went to. */
    readonly messageQueue: MessageQueue;
    /** Position in that queue; of a transactional message that before its commit. */
    readonly queueOffset: bigint;
    /** `host:port` of the broker. */
    readonly brokerAddress: string;
  };
}

/**
 * Runs code of the application around every send: of messages, batches, requests, replies and
 * transactional messages. Hooks are called synchronously. One that throws is logged and does no harm,
 * unless it is `forbid`.
 *
 * @example
 * ```ts
 * import { Producer } from "@rocketmq-deno/client";
 *
 * const producer = new Producer({
 *   nameServers: "127.0.0.1:9876",
 *   producerGroup: "order_service",
 *   sendHooks: {
 *     forbid: ({ topic }) => topic.startsWith("test_") ? "no test topics here" : undefined,
 *     before: () => ({ host: "order-7" }),
 *     after: ({ topic }, { duration, error }) => console.log(topic, duration, error),
 *   },
 * });
 * ```
 */
export interface SendHooks {
  /**
   * Gives a reason why this must not be sent, which then fails with a {@linkcode SendForbiddenError}.
   * When it throws, or returns anything else but `undefined`, the send is forbidden as well.
   */
  forbid?(context: SendContext): string | undefined;
  /**
   * Called before a send that is allowed. What it returns is added to the properties of each
   * message, under the rules for a message's own properties; those that it has already are kept.
   */
  before?(context: SendContext): Record<string, string> | void;
  /** Called once for each send that was allowed, however it ended: also if it was refused before it left. */
  after?(context: SendContext, outcome: SendOutcome): void;
}

/** Checks hooks that were given as options. @throws {InvalidArgumentError} */
export function checkHooks<T extends object>(
  option: string,
  hooks: T | readonly T[] | undefined,
  names: readonly (keyof T & string)[],
): readonly T[] {
  const list: readonly T[] = hooks === undefined ? [] : Array.isArray(hooks) ? [...hooks] : [hooks];
  for (const hook of list) {
    const isFit = typeof hook === "object" && hook !== null &&
      names.every((name) => hook[name] === undefined || typeof hook[name] === "function");
    if (isFit) continue;
    throw new InvalidArgumentError(
      `Cannot use option ${option}: it must be an object with the methods ${names.join(", ")}, ` +
        "all of which may be missing, or a list of such objects",
    );
  }
  return list;
}

/** Calls a hook. What it throws, or what its promise is rejected with, is logged. */
export function callHook<T>(warnings: ThrottledLogger, name: string, call: () => T): T | undefined {
  const tell = (error: unknown) =>
    warnings.warn(`hook ${name}`, `The hook ${name} failed, which is ignored: ${describe(error)}`);
  try {
    const result = call();
    if (result instanceof Promise) result.catch(tell);
    return result;
  } catch (error) {
    tell(error);
    return undefined;
  }
}

/** Calls the hooks of an application. */
export class HookObserver implements SendObserver {
  readonly #hooks: SendHooks;
  readonly #warnings: ThrottledLogger;

  constructor(hooks: SendHooks, warnings: ThrottledLogger) {
    this.#hooks = hooks;
    this.#warnings = warnings;
  }

  /** @throws {SendForbiddenError} */
  allow(start: SendStart): void {
    const { topic } = start;
    if (!this.#hooks.forbid) return;
    let reason: unknown, cause: unknown;
    try {
      reason = this.#hooks.forbid(contextOf(start));
      if (reason === undefined) return;
      if (typeof reason !== "string") reason = "its method forbid returned no text";
    } catch (error) {
      reason = `its method forbid threw: ${describe(error)}`;
      cause = error;
    }
    throw new SendForbiddenError(
      "FORBIDDEN",
      `Cannot send message to topic "${topic}": a send hook forbids it: ${reason}`,
      { topic, ...(cause === undefined ? {} : { cause }) },
    );
  }

  begin(start: SendStart): SendObservation {
    const context = contextOf(start);
    const added = callHook(this.#warnings, "sendHooks.before", () => this.#hooks.before?.(context));
    return {
      add: () => added ?? undefined,
      end: (end) => {
        callHook(
          this.#warnings,
          "sendHooks.after",
          () => this.#hooks.after?.(context, outcomeOf(end)),
        );
      },
    };
  }
}

function contextOf({ kind, topic, producerGroup, parts }: SendStart): SendContext {
  return {
    kind,
    topic,
    producerGroup,
    messages: parts.map(({ uniqueKey, properties, body }) => ({
      messageId: uniqueKey,
      properties: Object.freeze({ ...properties }),
      bodySize: body.length,
    })),
  };
}

function outcomeOf({ duration, error, receipt }: SendEnd): SendOutcome {
  if (!receipt) return error === undefined ? { duration } : { duration, error };
  const { sendStatus, offsetMessageIds, messageQueue, queueOffset, connection } = receipt;
  const brokerAddress = connection.address;
  return {
    duration,
    result: { sendStatus, offsetMessageIds, messageQueue, queueOffset, brokerAddress },
  };
}
