import { describe } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { createUnregisterClientRequest, readUnregisterClientResponse } from "../requests/mod.ts";
import type { BrokerLinks } from "./broker_links.ts";

/** Unregisters each group from every linked broker, and waits for the answers. */
export async function unregister(
  links: BrokerLinks,
  clientId: string,
  producerGroups: readonly string[],
  { timeout, logger }: { timeout: number; logger: Logger },
): Promise<void> {
  const unregistered = [];
  for (const { brokerName, connection } of links.registered()) {
    for (const producerGroup of producerGroups) {
      const request = createUnregisterClientRequest({ clientId, producerGroup });
      const { address } = connection;
      unregistered.push(
        connection.request(request, { timeout })
          .then((response) => readUnregisterClientResponse(response, { address, brokerName }))
          .catch((error) => {
            logger.debug(`Cannot unregister from broker "${brokerName}": ${describe(error)}`);
          }),
      );
    }
  }
  await Promise.all(unregistered);
}
