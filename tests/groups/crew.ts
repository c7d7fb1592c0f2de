import { Consumer, type ConsumerOptions } from "../../src/consumer/mod.ts";
import { Producer } from "../../src/producer/mod.ts";
import { Witness } from "../consumer/witness.ts";
import { eventually } from "../support/progress.ts";

/** Where the members of a crew work. */
export interface Workplace {
  nameServers: string;
  /** A name for a topic or group that nobody else uses. */
  uniqueName(prefix: string): string;
}

/** How the members of a crew work. */
export interface CrewOptions {
  /** Queues of the topic on each broker. */
  queues: number;
  /** Milliseconds that a handler takes. */
  handlerTime: number;
  /** Options of every member. */
  member?: Partial<ConsumerOptions>;
}

/** Members of one group on a real cluster, whose deliveries a witness sees. */
export class Crew implements AsyncDisposable {
  readonly topic: string;
  readonly group: string;
  readonly nameServers: string;
  readonly witness = new Witness();
  readonly members: Consumer[] = [];
  readonly #options: CrewOptions;
  readonly #producer: Producer;
  #joined = 0;

  private constructor({ nameServers, uniqueName }: Workplace, options: CrewOptions) {
    this.nameServers = nameServers;
    this.topic = uniqueName("Orders");
    this.group = uniqueName("warehouse");
    this.#options = options;
    this.#producer = new Producer({ nameServers, producerGroup: uniqueName("shop") });
  }

  /** Whether members work in order, as their option says it. */
  get order(): "none" | "queue" {
    return this.#options.member?.order === "queue" ? "queue" : "none";
  }

  /** Makes the topic, without a member. */
  static async gather(workplace: Workplace, options: CrewOptions): Promise<Crew> {
    const crew = new Crew(workplace, options);
    await crew.#producer.start();
    await crew.#producer.createTopic({ topic: crew.topic, queues: options.queues });
    return crew;
  }

  /** Sends so many messages, in turn to the queues. */
  async send(count: number): Promise<void> {
    const send = async (body: string) => {
      for (;;) {
        try {
          return await this.#producer.send({ topic: this.topic, body });
        } catch (error) {
          if (!(error as { isRetriable?: boolean }).isRetriable) throw error;
        }
      }
    };
    for (let i = 0; i < count; i += 50) {
      const some = Array.from({ length: Math.min(50, count - i) }, (_, k) => send(`m${i + k}`));
      await Promise.all(some);
    }
  }

  /** Adds a member. */
  async join(): Promise<Consumer> {
    const { nameServers, group, topic } = this, { handlerTime, member } = this.#options;
    const subscriptions = { [topic]: "*" };
    const consumer = new Consumer({ nameServers, group, subscriptions, ...member });
    await consumer.start();
    consumer.run(this.witness.handler(`member ${this.#joined++}`, handlerTime));
    this.members.push(consumer);
    return consumer;
  }

  /** Has a member leave, the first one unless another is named. Throws when it is not clean. */
  async leave(member: Consumer = this.members[0]!): Promise<void> {
    this.members.splice(this.members.indexOf(member), 1);
    const report = await member.close();
    if (!report.isClean) throw new Error(`The close was not clean: ${Deno.inspect(report)}`);
  }

  /** Waits until so many messages were delivered. */
  async until(count: number, timeout = 240_000): Promise<void> {
    if (await eventually(() => this.witness.size >= count, timeout)) return;
    throw new Error(`Only ${this.witness.size} of ${count} messages were delivered`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.close({ drain: "none" })));
    await this.#producer.shutdown();
  }
}
