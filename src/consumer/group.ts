import type { ClientInstance } from "../client/mod.ts";
import { describe } from "../errors.ts";
import type { ThrottledLogger } from "../logger.ts";
import type { MessageQueue } from "../message/mod.ts";
import type { TopicRoute } from "../route/mod.ts";
import { computeShare } from "./allocation.ts";
import { GroupChecks } from "./group_checks.ts";
import type { ConsumerEvents } from "./events.ts";
import { Members } from "./members.ts";
import type { ConsumerSettings } from "./options.ts";
import type { BrokerCalls } from "./queue_calls.ts";
import { queueKey } from "./queue_key.ts";

/** What a membership needs. */
interface GroupOptions {
  readonly settings: ConsumerSettings;
  readonly client: ClientInstance;
  readonly calls: BrokerCalls;
  readonly warnings: ThrottledLogger;
  readonly events: ConsumerEvents;
  /** Called with all queues that this member is to read, whenever they may have changed. */
  assign(queues: readonly MessageQueue[]): void;
}

/** One member's view of its group: who else is there, and which queues are its own. */
export class Group {
  readonly #options: GroupOptions;
  readonly #members: Members;
  readonly #checks: GroupChecks;
  readonly #queues = new Map<string, readonly MessageQueue[]>();
  /** Queues of which the locks of dead members were given up, by broker and client id. */
  readonly #freed = new Map<string, Map<string, Set<string>>>();

  constructor(options: GroupOptions) {
    this.#options = options;
    const { settings: { client: { clock, logger } }, client, calls } = options;
    this.#checks = new GroupChecks(options);
    this.#members = new Members({
      ...{ clock, logger },
      self: () => client.clientId,
      brokerNames: () => client.registeredBrokers(),
      list: (brokerName, signal) => calls.members(brokerName, { signal }),
      onChange: () => this.#share(),
      onLook: (brokerName, list) => this.#checks.look(brokerName, list),
    });
  }

  /** Begins to ask for the members. */
  start(): void {
    this.#members.start();
  }

  /** Takes the notice of a broker that members came or went. */
  notify(): void {
    this.#members.notify();
  }

  /** Takes note of a new connection to a broker. */
  registered(brokerName: string): void {
    this.#members.registered(brokerName);
  }

  /** Takes the queues of a topic. A route that is borrowed is that of a topic that does not exist yet. */
  takeRoute({ topic, borrowedFrom, readableQueues }: TopicRoute): void {
    this.#queues.set(topic, borrowedFrom === undefined ? readableQueues : []);
    if (this.#members.current.length > 0) this.#share();
  }

  /**
   * Gives up the locks that dead members left on queues: a broker takes the word of anybody who names the
   * client id. Returns `true` if there was one to try.
   */
  async freeDead(brokerName: string, queues: readonly MessageQueue[]): Promise<boolean> {
    const { calls, settings: { client: { logger } } } = this.#options;
    const dead = await this.#members.deadAt(brokerName);
    const known = this.#freed.get(brokerName);
    const now = new Map(dead.map((id) => [id, known?.get(id) ?? new Set<string>()]));
    this.#freed.set(brokerName, now);
    let hasFreed = false;
    for (const [clientId, freed] of now) {
      const left = queues.filter((queue) => !freed.has(queueKey(queue)));
      if (left.length === 0) continue;
      await calls.unlock(brokerName, left, { clientId });
      for (const queue of left) freed.add(queueKey(queue));
      logger.info(`Freed the queues of member "${clientId}", which left without unlocking them`, {
        brokerName,
      });
      hasFreed = true;
    }
    return hasFreed;
  }

  /** Asks no more. */
  async close(): Promise<void> {
    await this.#members.close();
  }

  #share(): void {
    const { settings: { allocation }, client, warnings, assign } = this.#options;
    const share: MessageQueue[] = [], members = this.#members.current, self = client.clientId;
    for (const [topic, queues] of this.#queues) {
      try {
        share.push(...computeShare(allocation, { topic, queues, members, self }));
      } catch (error) {
        warnings.warn(
          "allocation failed",
          `Keeps the queues as they are: the allocation of topic "${topic}" failed: ${
            describe(error)
          }`,
        );
        return;
      }
    }
    assign(share);
  }
}
