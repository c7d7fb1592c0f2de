/** How a consumer group is set up at a broker. */
export interface ConsumerGroupConfig {
  /** Its name. */
  readonly group: string;
  /** Whether its members may pull. */
  readonly consumeEnable: boolean;
  /** Queues of its retry topic. With 0 nothing is kept that is sent back. */
  readonly retryQueueNums: number;
}

/** The consumer groups that a broker knows. */
export class ConsumerGroups {
  readonly #groups: Map<string, ConsumerGroupConfig>;
  readonly #autoCreate: boolean;

  /** @param autoCreate Whether a heartbeat or pull makes a group. */
  constructor(groups: readonly ConsumerGroupConfig[], autoCreate: boolean) {
    this.#groups = new Map(groups.map((config) => [config.group, config]));
    this.#autoCreate = autoCreate;
  }

  /** Gives the configuration of a group; makes the group if that is allowed. */
  ensure(group: string): ConsumerGroupConfig | undefined {
    const known = this.#groups.get(group);
    if (known || !this.#autoCreate) return known;
    const config = { group, consumeEnable: true, retryQueueNums: 1 };
    this.#groups.set(group, config);
    return config;
  }

  /** Gives the configuration of a group that is there. */
  get(group: string): ConsumerGroupConfig | undefined {
    return this.#groups.get(group);
  }
}
