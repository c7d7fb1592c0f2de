import type { MessageQueue } from "../message/mod.ts";

/** Says how a consumer ended. Nothing is lost in any case: what is listed here is delivered again. */
export interface CloseReport {
  /** `true` if everything below is empty but for `unbegun`: no message that was handled comes again. */
  readonly isClean: boolean;
  /** Messages that were read and not begun. */
  readonly unbegun: number;
  /** Messages whose handling had begun and did not end in time. */
  readonly unfinished: number;
  /** Queues of which a broker did not confirm the offset: messages that were acknowledged come again. */
  readonly uncommitted: readonly MessageQueue[];
  /** Queues whose locks a broker did not confirm to be free: others wait up to 60 s for them. */
  readonly locked: readonly MessageQueue[];
  /** Brokers that did not confirm that this member left. */
  readonly notLeft: readonly string[];
}

/** How a consumer ends. */
export interface CloseOptions {
  /**
   * What is waited for: handlers that run, also the messages that were read already, or nothing.
   *
   * @default {"running"}
   */
  drain?: "running" | "buffered" | "none";
  /**
   * Milliseconds for all of it. A part is kept for commits, unlocking and leaving.
   *
   * @default {shutdownTimeout, 10000}
   */
  deadline?: number;
  /** Ends the wait for handlers. */
  signal?: AbortSignal;
}
