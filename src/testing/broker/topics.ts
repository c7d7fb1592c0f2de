import { SystemTopic } from "./system_topics.ts";

/** Permission bits of a topic or broker. */
export const Permission = {
  /** New topics take it over from their template. */
  INHERIT: 1,
  /** Messages may be sent to it. */
  WRITE: 2,
  /** Messages may be read from it. */
  READ: 4,
} as const;

/** What a broker knows of a topic. */
export interface TopicConfig {
  /** Its name. */
  readonly topic: string;
  /** Number of queues to read from. */
  readonly readQueueNums: number;
  /** Number of queues to write to. */
  readonly writeQueueNums: number;
  /** {@linkcode Permission} bits. */
  readonly perm: number;
  /** Flags of the topic. */
  readonly topicSysFlag: number;
  /** Whether it is an ordered topic. */
  readonly order: boolean;
  /** What `UPDATE_AND_CREATE_TOPIC` set, for example `message.type`. */
  readonly attributes: ReadonlyMap<string, string>;
}

const READ_WRITE = Permission.READ | Permission.WRITE;

/** A topic with the same number of queues for both. */
export function topicConfig(topic: string, queues: number, perm: number = READ_WRITE): TopicConfig {
  return {
    topic,
    readQueueNums: queues,
    writeQueueNums: queues,
    perm,
    topicSysFlag: 0,
    order: false,
    attributes: new Map(),
  };
}

/** The topics of one broker. */
export class TopicTable {
  readonly #topics = new Map<string, TopicConfig>();

  /** @param autoCreate Whether a send makes a topic that does not exist. */
  constructor(options: { clusterName: string; brokerName: string; autoCreate: boolean }) {
    const { clusterName, brokerName, autoCreate } = options;
    if (autoCreate) {
      this.set(topicConfig(SystemTopic.Template, 8, READ_WRITE | Permission.INHERIT));
    }
    this.set(topicConfig(clusterName, 16, READ_WRITE | Permission.INHERIT));
    this.set(topicConfig(brokerName, 1, READ_WRITE | Permission.INHERIT));
    this.set(topicConfig(`${clusterName}_REPLY_TOPIC`, 1));
    this.set(topicConfig(SystemTopic.Schedule, 18));
    this.set(topicConfig(SystemTopic.Benchmark, 1024));
    for (const topic of [SystemTopic.SelfTest, SystemTopic.OffsetMoved, SystemTopic.Timer]) {
      this.set(topicConfig(topic, 1));
    }
    this.set(topicConfig(SystemTopic.Half, 1));
    this.set(topicConfig(SystemTopic.HalfDone, 1));
  }

  /** What is known of a topic. */
  get(topic: string): TopicConfig | undefined {
    return this.#topics.get(topic);
  }

  /** Makes a topic, or changes it. */
  set(config: TopicConfig): void {
    this.#topics.set(config.topic, config);
  }

  /** The topic, made with one queue if it is not there. */
  ensure(topic: string): TopicConfig {
    const existing = this.#topics.get(topic);
    if (existing) return existing;
    const config = topicConfig(topic, 1);
    this.set(config);
    return config;
  }

  /** The topic, made after the template that a send names; undefined where that may not be. */
  createFromTemplate(topic: string, template: string, queues: number): TopicConfig | undefined {
    const model = this.#topics.get(template);
    if (!model || (model.perm & Permission.INHERIT) === 0) return undefined;
    const count = Math.max(0, Math.min(queues, model.writeQueueNums));
    const config = topicConfig(topic, count, model.perm & ~Permission.INHERIT);
    this.set(config);
    return config;
  }
}

/** A topic as a broker prints it in remarks. */
export function describeTopic(config: TopicConfig): string {
  const { topic, readQueueNums, writeQueueNums, perm, topicSysFlag, order } = config;
  const flags = `${perm & Permission.READ ? "R" : "-"}${perm & Permission.WRITE ? "W" : "-"}${
    perm & Permission.INHERIT ? "X" : "-"
  }`;
  const attributes = [...config.attributes].map(([name, value]) => `${name}=${value}`).join(", ");
  return `TopicConfig [topicName=${topic}, readQueueNums=${readQueueNums}, ` +
    `writeQueueNums=${writeQueueNums}, perm=${flags}, topicFilterType=SINGLE_TAG, ` +
    `topicSysFlag=${topicSysFlag}, order=${order}, attributes={${attributes}}]`;
}
