import type { Clock } from "../clock.ts";
import { describe } from "../errors.ts";
import type { ThrottledLogger } from "../logger.ts";
import { Batch, gatherBatch } from "./batch.ts";
import type { Inbox } from "./inbox.ts";
import type { ConsumedMessage, IncomingMessage } from "./incoming_message.ts";
import type { QueueReader } from "./queue_reader.ts";
import type { ConsumerSpans } from "./spans.ts";

/** Handles a message. It is acknowledged when the handler resolves, and retried when it throws. */
export type MessageHandler = (message: ConsumedMessage) => void | Promise<void>;

/** What a delivery needs. */
interface DeliveryOptions {
  readonly inbox: Inbox;
  readonly clock: Clock;
  readonly warnings: ThrottledLogger;
  /** Makes spans, if the process has OpenTelemetry. */
  readonly spans: ConsumerSpans | undefined;
  /** Returns the readers of the queues that this member has. */
  readers(): readonly QueueReader[];
}

/** Those who take messages by one call. */
interface Outlet {
  take(signal?: AbortSignal): Promise<IncomingMessage | undefined>;
  /** Gives back what is not settled, and takes no more. */
  close(): void;
}

/** Hands messages to handlers, loops, streams and batches. */
export class Delivery {
  readonly #options: DeliveryOptions;
  #outlets = 0;
  #handlers = 0;
  #handled = 0;
  #failed = 0;
  #handler: MessageHandler | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Returns the handler that was given last. */
  get handler(): MessageHandler | undefined {
    return this.#handler;
  }

  /** Reports whether anybody takes messages now. */
  get isConsuming(): boolean {
    return this.#outlets > 0;
  }

  /** Counts the handlers that run, also those that have settled their message. */
  get running(): number {
    return this.#handlers;
  }

  /** Counts the calls of handlers that resolved, and those that threw. */
  get counts(): { handled: number; failed: number } {
    return { handled: this.#handled, failed: this.#failed };
  }

  /** Resolves when no handler runs. */
  untilIdle(): Promise<void> {
    if (this.#handlers === 0) return Promise.resolve();
    return (this.#idle ??= Promise.withResolvers<void>()).promise;
  }

  /** Handles messages, up to `concurrency` at once, until there are no more or `signal` aborts. */
  async run(
    handler: MessageHandler,
    concurrency: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    this.#handler = handler;
    const outlet = this.#open();
    const work = async () => {
      for (
        let message = await outlet.take(signal);
        message;
        message = await outlet.take(signal)
      ) await this.#handle(message, handler);
    };
    try {
      await Promise.all(Array.from({ length: concurrency }, work));
    } finally {
      outlet.close();
    }
  }

  async *iterate(): AsyncGenerator<ConsumedMessage, undefined> {
    const outlet = this.#open();
    try {
      for (let message = await outlet.take(); message; message = await outlet.take()) yield message;
    } finally {
      outlet.close();
    }
  }

  async *batches(size: number, wait: number): AsyncGenerator<Batch, undefined> {
    const { clock } = this.#options, outlet = this.#open();
    try {
      for (;;) {
        const messages = await gatherBatch(outlet.take, { size, wait, clock });
        if (messages.length === 0) return;
        yield new Batch(messages);
      }
    } finally {
      outlet.close();
    }
  }

  stream(): ReadableStream<ConsumedMessage> {
    const outlet = this.#open(), cancelled = new AbortController();
    return new ReadableStream<ConsumedMessage>({
      pull: async (controller) => {
        const message = await outlet.take(cancelled.signal);
        if (cancelled.signal.aborted) outlet.close();
        else if (message) controller.enqueue(message);
        else {
          controller.close();
          outlet.close();
        }
      },
      cancel: () => {
        cancelled.abort();
        outlet.close();
      },
    }, { highWaterMark: 0 });
  }

  #open(): Outlet {
    const { inbox } = this.#options, never = new AbortController().signal;
    let isOpen = true;
    this.#outlets++;
    const outlet: Outlet = {
      take: (signal = never) => inbox.take((message) => message.begin(outlet), signal),
      close: () => {
        if (isOpen) this.#outlets--;
        isOpen = false;
        for (const reader of this.#options.readers()) {
          for (const message of [...reader.begun]) {
            if (message.outlet === outlet) reader.giveBack(message);
          }
        }
      },
    };
    return outlet;
  }

  async #handle(message: IncomingMessage, handler: MessageHandler): Promise<void> {
    const leave = message.enter();
    this.#handlers++;
    try {
      const { spans } = this.#options;
      if (spans) await spans.handle(message, () => handler(message));
      else await handler(message);
      this.#handled++;
      if (!message.isDecided) message.ack();
    } catch (error) {
      this.#failed++;
      const what = `attempt ${message.attempt} of message "${message.uniqueKey}"`;
      this.#options.warnings.warn(
        "handler failed",
        `The handler failed: ${what}: ${describe(error)}`,
      );
      if (!message.isDecided) message.retry();
    }
    this.#handlers--;
    leave();
    if (this.#handlers > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}
