import type { ClientInstance } from "../client/mod.ts";
import { BrokerResponseError, TopicRouteNotFoundError } from "../errors.ts";
import { parseOffsetMessageId } from "../message/mod.ts";
import type { SendBounds } from "../producer/mod.ts";
import {
  createResumeCheckHalfMessageRequest,
  readResumeCheckHalfMessageResponse,
} from "../requests/mod.ts";
import { formatAddress, type TopicRoute } from "../route/mod.ts";

/**
 * Has a half message that was given up put back, to be asked about again. The id names its broker;
 * where that address is not in the route, as behind a tunnel, each broker of the topic is tried.
 *
 * @throws {RocketMQError} when no broker knows the record.
 */
export async function resumeTransaction(
  client: ClientInstance,
  topic: string,
  offsetMessageId: string,
  bounds: SendBounds,
): Promise<void> {
  const rest = () => ({ timeout: bounds.deadline.remaining, signal: bounds.signal });
  const home = formatAddress(parseOffsetMessageId(offsetMessageId));
  const route = await client.route(topic, rest());
  const request = createResumeCheckHalfMessageRequest({ topic, msgId: offsetMessageId });
  let refusal: unknown = new TopicRouteNotFoundError(
    `Cannot resume message ${offsetMessageId}: topic "${topic}" has no broker with a master`,
    { topic, isRetriable: true },
  );
  for (const brokerName of candidates(route, home)) {
    try {
      const connection = await client.requestConnection(brokerName, rest());
      const response = await connection.request(request, rest());
      const { address } = connection;
      return readResumeCheckHalfMessageResponse(response, { address, brokerName, topic });
    } catch (error) {
      if (!(error instanceof BrokerResponseError)) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

function candidates(route: TopicRoute, home: string): readonly string[] {
  const names = route.brokerNames.filter((name) => route.masterAddress(name) !== undefined);
  const named = names.filter((name) => route.masterAddress(name) === home);
  return named.length > 0 ? named : names;
}
