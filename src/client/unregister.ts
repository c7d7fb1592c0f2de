import { describe } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { createUnregisterClientRequest } from "../requests/mod.ts";
import type { BrokerLinks } from "./broker_links.ts";

/** Takes leave of every broker that is linked, for each group, and waits for the answers. */
export async function unregister(
  links: BrokerLinks,
  clientId: string,
  producerGroups: readonly string[],
  { timeout, logger }: { timeout: number; logger: Logger },
): Promise<void> {
  const leaves = [];
  for (const { brokerName, connection } of links.registered()) {
    for (const producerGroup of producerGroups) {
      const request = createUnregisterClientRequest({ clientId, producerGroup });
      leaves.push(
        connection.request(request, { timeout }).catch((error) => {
          logger.debug(`Cannot unregister from broker "${brokerName}": ${describe(error)}`);
        }),
      );
    }
  }
  await Promise.all(leaves);
}
