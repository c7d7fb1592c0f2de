import type { ClientInstance } from "../client/mod.ts";
import { AccessDeniedError, BrokerResponseError, describe, InvalidStateError } from "../errors.ts";
import type { WaitOptions } from "../clock.ts";
import { ResponseCode } from "../remoting/mod.ts";
import type { GroupConfig } from "../requests/mod.ts";
import type { ConsumerSettings } from "./options.ts";
import type { BrokerCalls } from "./queue_calls.ts";

/**
 * Reads the configuration of the group at every broker. A broker that can't tell it, or that this user
 * may not ask, is taken to be well.
 *
 * @throws {InvalidStateError} when the group is disabled, or would lose what is to be retried.
 * @throws {BrokerResponseError} when the group does not exist.
 */
export async function checkGroupConfig(
  client: ClientInstance,
  calls: BrokerCalls,
  { group, client: { logger } }: ConsumerSettings,
  options: WaitOptions,
): Promise<void> {
  await Promise.all(
    client.registeredBrokers().map(async (brokerName) => {
      let config: GroupConfig | undefined;
      try {
        config = await calls.groupConfig(brokerName, options);
      } catch (error) {
        if (isMissing(error)) throw error;
        if (options.signal?.aborted) return;
        const why = error instanceof AccessDeniedError ? "this user may not" : describe(error);
        logger.debug(`Cannot read the configuration of the group at "${brokerName}": ${why}`);
        return;
      }
      if (config?.consumeEnable === false) {
        throw new InvalidStateError(
          `Cannot consume as group "${group}": it is disabled at broker "${brokerName}", ` +
            "set consumeEnable there with mqadmin updateSubGroup -s true",
        );
      }
      if (config && config.retryQueueNums <= 0) {
        throw new InvalidStateError(
          `Cannot consume as group "${group}": broker "${brokerName}" has no retry queue for it ` +
            "(retryQueueNums=0), and would lose what is to be retried without a word, " +
            "set retryQueueNums there with mqadmin updateSubGroup -q 1",
        );
      }
    }),
  );
}

function isMissing(error: unknown): boolean {
  return error instanceof BrokerResponseError &&
    error.responseCode === ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST;
}
