import { InvalidArgumentError, printable } from "../errors.ts";
import { selectsAll, type Subscription, tagsOf } from "../requests/mod.ts";

/**
 * Selects messages of a topic: `"*"` for all, `"paid || refunded"` or `{ tags: ["paid"] }` by tag, or
 * `{ sql: "amount > 100" }` by properties. SQL needs brokers with `enablePropertyFilter=true`.
 */
export type MessageSelection =
  | string
  | {
    /** Tags of the messages that are selected. */
    readonly tags: readonly string[];
  }
  | {
    /** The condition on their properties. */
    readonly sql: string;
  };

/** A checked subscription. */
export interface TopicSubscription extends Required<Subscription> {
  /** Reports whether a message is for this group. Brokers compare only hashes of tags. */
  matches(tags: string | undefined): boolean;
}

/**
 * Checks what a group reads.
 *
 * @param version Time of the subscription, in milliseconds since 1970.
 * @throws {InvalidArgumentError} naming the topic and what is allowed.
 */
export function readSubscriptions(
  subscriptions: Readonly<Record<string, MessageSelection>>,
  version: number,
): TopicSubscription[] {
  const isRecord = subscriptions !== null && typeof subscriptions === "object" &&
    !Array.isArray(subscriptions);
  const entries = isRecord ? Object.entries(subscriptions) : [];
  if (entries.length === 0) {
    throw new InvalidArgumentError(
      'Cannot use option subscriptions: it must name at least one topic, such as { orders: "*" }',
    );
  }
  return entries.map(([topic, selection]) => readSelection(topic, selection, version));
}

/** Makes the subscription to a topic, for all of its messages. */
export function subscribeToAll(topic: string, version: number): TopicSubscription {
  return readSelection(topic, "*", version);
}

function readSelection(topic: string, selection: unknown, version: number): TopicSubscription {
  if (typeof selection === "string") return byTags(topic, selection, version);
  if (selection !== null && typeof selection === "object") {
    const { tags, sql } = selection as { tags?: unknown; sql?: unknown };
    if (tags === undefined && typeof sql === "string" && sql.trim() !== "") {
      const matches = () => true;
      return { topic, expression: sql, expressionType: "SQL92", version, matches };
    }
    if (sql === undefined && Array.isArray(tags)) {
      for (const tag of tags) checkTag(topic, tag);
      return byTags(topic, tags.join("||"), version, tags.length === 0);
    }
  }
  throw refuse(
    topic,
    'must be "*", tags like "paid || refunded" or { tags: ["paid"] }, or { sql: "amount > 100" }',
  );
}

function byTags(
  topic: string,
  expression: string,
  version: number,
  isEmpty = false,
): TopicSubscription {
  const all = selectsAll(expression) && !isEmpty;
  const tags = new Set(all ? [] : tagsOf(expression));
  if (!all && tags.size === 0) {
    throw refuse(topic, 'names no tag, use "*" for all messages');
  }
  if (tags.has("*")) {
    throw refuse(topic, 'has "*" beside tags or blanks, where it is a tag: use "*" alone');
  }
  return {
    topic,
    expression: all ? "*" : expression,
    expressionType: "TAG",
    version,
    matches: (tag) => all || tag !== undefined && tags.has(tag),
  };
}

function checkTag(topic: string, tag: unknown): void {
  const isTag = typeof tag === "string" && tag.trim() === tag && tag !== "" && !tag.includes("||");
  if (isTag) return;
  throw refuse(
    topic,
    `has the tag "${
      printable(String(tag), 64)
    }": a tag is text without "||" and without blanks at its ends`,
  );
}

function refuse(topic: string, reason: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `Cannot use option subscriptions: what it says of topic "${printable(topic, 64)}" ${reason}`,
    { topic },
  );
}
