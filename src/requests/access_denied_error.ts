import { BrokerResponseError, type BrokerResponseErrorOptions } from "../errors.ts";

/** A right that a server demands and a user has not. */
export interface MissingRight {
  /** The actions, any one of which is enough: `PUB`, `SUB`, `GET`, `CREATE`, `UPDATE`. May be empty. */
  readonly actions: readonly string[];
  /** Kind of the resource: `topic`, `group`, `cluster`. */
  readonly resourceType: string;
  /** Name of the resource as servers know it, with its namespace. */
  readonly resource: string;
}

/** What an {@linkcode AccessDeniedError} says beyond its base. */
export interface AccessDeniedErrorOptions extends BrokerResponseErrorOptions {
  /** What was missing. */
  reason: "authentication" | "authorization";
  /** The right, where it was a right. */
  missingRight?: MissingRight | undefined;
}

/**
 * A server refused a request because of who sent it: it does not believe who the client says that it
 * is (`authentication`), or the user has not the right (`authorization`). What to do is in the
 * message, and which right it is in `missingRight`.
 *
 * @example
 * ```ts
 * import { AccessDeniedError } from "@rocketmq-deno/client";
 *
 * function explain(error: unknown): string | undefined {
 *   if (!(error instanceof AccessDeniedError)) return undefined;
 *   const { actions, resourceType, resource } = error.missingRight ?? {};
 *   return actions ? `grant ${actions.join(" or ")} on ${resourceType} ${resource}` : error.message;
 * }
 * ```
 */
export class AccessDeniedError extends BrokerResponseError {
  /** Class name, also in minified code. */
  override name = "AccessDeniedError";
  /** Whether the server does not believe who asks, or does not let them. */
  readonly reason: "authentication" | "authorization";
  /** The right that is missing, where it is a right and the server says on what. */
  readonly missingRight?: MissingRight;

  /** `message` says what was refused and why; code and remark are added to it. */
  constructor(message: string, options: AccessDeniedErrorOptions) {
    super(message, options);
    this.reason = options.reason;
    if (options.missingRight !== undefined) this.missingRight = options.missingRight;
  }
}
