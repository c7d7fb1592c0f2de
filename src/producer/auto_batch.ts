import { checkCount } from "../checks.ts";
import { InvalidArgumentError } from "../errors.ts";
import { AutoBatcher } from "./auto_batcher.ts";
import { batchResultOf } from "./batch.ts";
import type { RetryPolicy } from "./retry_policy.ts";
import type { ProducerCore } from "./producer_core.ts";
import { resultOf } from "./send_result.ts";

/** How `send()` gathers messages into batches. */
export interface AutoBatchOptions {
  /**
   * Milliseconds for which a message waits for others; at most half of the producer's `sendTimeout`,
   * and of the `timeout` of a send: with less it is sent at once.
   *
   * @default {10}
   */
  holdTime?: number;
  /**
   * Bytes of a batch that leaves without waiting on, bodies, properties and lengths together. What is
   * larger by itself is sent by itself.
   *
   * @default {32768}
   */
  maxBatchSize?: number;
  /**
   * Most bytes that wait or are on their way in batches. What comes beyond it is sent by itself, at
   * once.
   *
   * @default {33554432}
   */
  maxTotalSize?: number;
}

/** The options of auto-batching, checked and complete. */
export type AutoBatchSettings = Required<AutoBatchOptions>;

/** Checks the options of auto-batching; undefined when it is off. @throws {InvalidArgumentError} */
export function resolveAutoBatch(
  option: boolean | AutoBatchOptions | undefined,
  { sendTimeout, maxMessageSize }: { sendTimeout: number; maxMessageSize: number },
): AutoBatchSettings | undefined {
  if (option === undefined || option === false) return undefined;
  if (option !== true && (option === null || typeof option !== "object")) {
    throw new InvalidArgumentError(
      "Cannot use option autoBatch: it must be true, false or an object of settings",
    );
  }
  const { holdTime, maxBatchSize, maxTotalSize } = option === true ? {} : option;
  const longest = Math.max(1, Math.floor(sendTimeout / 2));
  return {
    holdTime: checkCount("autoBatch.holdTime", holdTime, Math.min(10, longest), 1, longest, " ms"),
    maxBatchSize: checkCount(
      "autoBatch.maxBatchSize",
      maxBatchSize,
      Math.min(32 * 1024, maxMessageSize),
      1,
      maxMessageSize,
      " bytes",
    ),
    maxTotalSize: checkCount(
      "autoBatch.maxTotalSize",
      maxTotalSize,
      32 * 1024 * 1024,
      1,
      2 ** 31 - 1,
      " bytes",
    ),
  };
}

/** Makes what gathers the messages of a producer that runs. It ends with the producer. */
export function createAutoBatcher(
  core: ProducerCore,
  settings: AutoBatchSettings,
  retry: RetryPolicy,
): AutoBatcher {
  const delivery = core.delivery();
  const batcher = new AutoBatcher({
    ...settings,
    client: core.client!,
    clock: core.settings.clock,
    uniqueKey: core.outgoing(false, "send").uniqueKey,
    sendSingle: async (message, bounds) =>
      resultOf(message, await delivery.send("send", message, bounds, retry)),
    sendBatch: async (batch, bounds) => {
      const receipt = await delivery.send("batch", batch, bounds, retry);
      return { receipt, messages: batchResultOf(batch, receipt).messages };
    },
  });
  core.addDrain((deadline) => batcher.drain(deadline));
  return batcher;
}
