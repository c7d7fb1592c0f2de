import { InvalidArgumentError, printable } from "../errors.ts";
import { javaStringHash } from "../message/mod.ts";

/** How an expression selects messages: by tags, or by properties in SQL. */
export type ExpressionType = "TAG" | "SQL92";

/** What a consumer group reads of a topic. */
export interface Subscription {
  /** Name of the topic. */
  topic: string;
  /** `*` or `TagA || TagB`, or a condition in SQL. */
  expression: string;
  /** Language of the expression. @default {"TAG"} */
  expressionType?: ExpressionType;
  /**
   * Time at which the subscription was made, in milliseconds since 1970. A broker that knows another
   * expression of the group takes this one only if its version is larger. @default {0}
   */
  version?: number;
}

/**
 * Returns the tags that an expression names, each once. `*` and the empty expression name none: they
 * select every message.
 *
 * @throws {InvalidArgumentError} when the expression is made of `||` alone.
 */
export function tagsOf(expression: string): string[] {
  if (selectsAll(expression)) return [];
  const parts = expression.split("||");
  if (parts.every((part) => part === "")) {
    throw new InvalidArgumentError(
      `Cannot use the subscription "${printable(expression, 64)}": it names no tag, ` +
        'write "*" for all messages or "TagA || TagB"',
    );
  }
  return [...new Set(parts.map(trimLikeJava))].filter((tag) => tag !== "");
}

/** Reports whether a tag expression selects every message. */
export function selectsAll(expression: string): boolean {
  return expression === "" || expression === "*";
}

/** Removes what Java's `trim` removes: not the no-break space, for example. */
function trimLikeJava(text: string): string {
  let start = 0, end = text.length;
  while (start < end && text.charCodeAt(start) <= 32) start++;
  while (start < end && text.charCodeAt(end - 1) <= 32) end--;
  return text.slice(start, end);
}

/**
 * Returns a subscription as the bodies of requests have it. Brokers compare the hashes of tags.
 *
 * @throws {InvalidArgumentError} when the expression is none.
 */
export function subscriptionData(
  { topic, expression, expressionType = "TAG", version = 0 }: Subscription,
): Record<string, unknown> {
  if (expressionType === "SQL92" && expression === "") {
    throw new InvalidArgumentError(
      `Cannot subscribe to topic "${printable(topic, 64)}": its SQL expression is empty`,
      { topic },
    );
  }
  const tagsSet = expressionType === "TAG" ? tagsOf(expression) : [];
  return {
    classFilterMode: false,
    codeSet: [...new Set(tagsSet.map(javaStringHash))],
    expressionType,
    subString: expressionType === "TAG" && selectsAll(expression) ? "*" : expression,
    subVersion: version,
    tagsSet,
    topic,
  };
}
