import { describe } from "../errors.ts";
import type { ThrottledLogger } from "../logger.ts";
import { type Subscription, tagsOf } from "../requests/mod.ts";
import type { ConsumerEvents } from "./events.ts";
import type { MemberList } from "./members.ts";
import type { ConsumerSettings } from "./options.ts";
import type { BrokerCalls } from "./queue_calls.ts";

/** What the checks need. */
interface GroupChecksOptions {
  readonly settings: ConsumerSettings;
  readonly calls: BrokerCalls;
  readonly warnings: ThrottledLogger;
  readonly events: ConsumerEvents;
}

/**
 * Finds mistakes in how a group is set up, and reports them. A broker keeps one set of subscriptions for
 * a group, that of the last heartbeat: members that differ leave queues unread. Two clients with one id
 * have each other's locks.
 */
export class GroupChecks {
  readonly #options: GroupChecksOptions;

  constructor(options: GroupChecksOptions) {
    this.#options = options;
  }

  /** Checks what a broker lists of the group. */
  look(brokerName: string, { members, repeated }: MemberList): void {
    if (repeated.length > 0) this.#reportIds(brokerName, repeated);
    if (members.length > 1) this.#compare(brokerName);
  }

  #reportIds(brokerName: string, clientIds: readonly string[]): void {
    const { warnings, events, settings: { group } } = this.#options;
    events.publish({ type: "duplicate-client-id", brokerName, clientIds });
    warnings.warn(
      "duplicate client id",
      `Broker "${brokerName}" lists clients twice in group "${group}": ${clientIds.join(", ")}. ` +
        "If these are several processes, each handles all of their messages: give each its own " +
        "instanceName, or none",
    );
  }

  async #compare(brokerName: string): Promise<void> {
    const { calls, warnings, events, settings } = this.#options;
    const { subscriptions, retrySubscription, group, client: { logger } } = settings;
    let known: Map<string, Subscription>;
    try {
      known = await calls.subscriptions(brokerName);
    } catch (error) {
      logger.debug(`Cannot compare the subscriptions of the group: ${describe(error)}`);
      return;
    }
    const own = new Map([...subscriptions, retrySubscription].map((it) => [it.topic, it]));
    const topics = [...new Set([...own.keys(), ...known.keys()])]
      .filter((topic) => !isSame(own.get(topic), known.get(topic)));
    if (topics.length === 0) return;
    events.publish({ type: "subscription-differs", brokerName, topics });
    warnings.warn(
      "subscription differs",
      `Members of group "${group}" subscribe differently, broker "${brokerName}" knows other ` +
        `subscriptions than those of this member: ${
          topics.map((topic) => `"${topic}"`).join(", ")
        }. ` +
        "Messages stay unread then: subscribe alike in all members, or use another group",
    );
  }
}

function isSame(a: Subscription | undefined, b: Subscription | undefined): boolean {
  return a !== undefined && b !== undefined && selectionOf(a) === selectionOf(b);
}

function selectionOf({ expression, expressionType = "TAG" }: Subscription): string {
  return expressionType === "TAG"
    ? JSON.stringify(tagsOf(expression).sort())
    : `${expressionType} ${expression}`;
}
