import { describe } from "../../src/errors.ts";
import { decodeMessages } from "../../src/message/mod.ts";
import { createPullMessageRequest, readPullMessageResponse } from "../../src/requests/mod.ts";
import { delay } from "../support/delay.ts";
import { TestClient } from "../support/test_client.ts";

/** A queue, and how far it was read. */
interface Position {
  address: string;
  queueId: number;
  next: bigint;
}

/** Milliseconds of rest after all queues were read to their ends. */
const REST = 200;

/** Milliseconds for which a broker that does not answer is left alone. */
const OUTAGE_REST = 500;

/**
 * Reads every message of a topic that a consumer would get, each once, while it becomes visible. It
 * keeps one position for each queue, and nothing of the messages.
 */
export class Witness implements AsyncDisposable {
  readonly #client: TestClient;
  readonly #topic: string;
  readonly #positions: Position[];
  readonly #onBody: (body: string) => void;
  readonly #retryAt = new Map<string, number>();
  readonly #reading: Promise<void>;
  #isEnded = false;
  #lastError = "";

  /** Starts to read at once. */
  constructor(
    { nameServers, topic, addresses, queues, onBody }: {
      nameServers: string;
      topic: string;
      /** The brokers that have the topic. */
      addresses: readonly string[];
      /** Queues of the topic on each of them. */
      queues: number;
      onBody: (body: string) => void;
    },
  ) {
    this.#client = new TestClient(nameServers);
    this.#topic = topic;
    this.#onBody = onBody;
    this.#positions = addresses.flatMap((address) =>
      Array.from({ length: queues }, (_, queueId) => ({ address, queueId, next: 0n }))
    );
    this.#reading = this.#readOn();
  }

  /** Why a broker could not be read when it last could not; empty when all could always. */
  get lastError(): string {
    return this.#lastError;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    await this.#reading;
    await this.#client[Symbol.asyncDispose]();
  }

  async #readOn(): Promise<void> {
    while (!this.#isEnded) {
      for (const position of this.#positions) await this.#readQueue(position);
      await delay(REST);
    }
  }

  /** Reads a queue to its end, or until its broker does not answer. */
  async #readQueue(position: Position): Promise<void> {
    const { address } = position;
    if (performance.now() < (this.#retryAt.get(address) ?? 0)) return;
    try {
      while (!this.#isEnded && await this.#pull(position));
    } catch (error) {
      this.#lastError = describe(error);
      this.#retryAt.set(address, performance.now() + OUTAGE_REST);
    }
  }

  /** Gives whether more may follow. */
  async #pull(position: Position): Promise<boolean> {
    const { address, queueId, next } = position;
    const request = createPullMessageRequest({
      consumerGroup: "soak_witness",
      topic: this.#topic,
      queueId,
      queueOffset: next,
    });
    const response = await this.#client.request(address, request);
    const answer = readPullMessageResponse(response, { address, topic: this.#topic });
    // A broker that recovers may not know the end of a queue yet: never back, nothing counts twice.
    if (answer.nextBeginOffset <= next) return false;
    if (answer.status === "FOUND") {
      for (const { body } of await decodeMessages(answer.body)) {
        this.#onBody(new TextDecoder().decode(body));
      }
    }
    position.next = answer.nextBeginOffset;
    return true;
  }
}
