import type { ClientInstance } from "../client/mod.ts";
import { InvalidArgumentError, printable, TopicRouteNotFoundError } from "../errors.ts";
import { createRecallMessageRequest, readRecallMessageResponse } from "../requests/mod.ts";
import type { Observation } from "./observation.ts";
import type { SendBounds } from "./send_receipt.ts";
import { checkTopic } from "./validation.ts";

/** What names a message that is to be taken back. */
export interface RecallFields {
  /** Topic that it was sent to. */
  topic: string;
  /** The `recallHandle` of its {@linkcode SendResult}. */
  recallHandle: string;
}

/** Takes a timer message back from the broker that its handle names. @throws {RocketMQError} */
export async function recallMessage(
  client: ClientInstance,
  observation: Observation,
  { topic, recallHandle }: RecallFields,
  bounds: SendBounds,
): Promise<string> {
  checkTopic(topic, client.namespace);
  const { producerGroup } = observation;
  const { brokerName, messageId } = readHandle(recallHandle);
  const rest = () => ({ timeout: bounds.deadline.remaining, signal: bounds.signal });
  let route = await client.route(topic, rest());
  if (route.masterAddress(brokerName) === undefined) {
    route = await client.refreshRoute(topic, rest());
    if (route.masterAddress(brokerName) === undefined) {
      throw new TopicRouteNotFoundError(
        `Cannot recall a message of topic "${topic}": its route names no master of broker ` +
          `"${printable(brokerName, 64)}", which keeps it`,
        { topic, brokerName, isRetriable: true },
      );
    }
  }
  const connection = await client.brokerConnection(brokerName, rest());
  const request = createRecallMessageRequest({
    producerGroup,
    topic,
    recallHandle,
    bname: brokerName,
  });
  const response = await connection.request(request, rest());
  observation.recalled(topic, messageId, response);
  return readRecallMessageResponse(response, { address: connection.address, brokerName, topic });
}

/** The broker and the message in a handle, which is `v1 topic broker time id` in base64 for URLs. */
function readHandle(handle: unknown): { brokerName: string; messageId: string } {
  const parts = decodeBase64(handle)?.split(" ") ?? [];
  const [version, , brokerName, , messageId] = parts;
  if (version === "v1" && messageId !== undefined && brokerName) return { brokerName, messageId };
  throw new InvalidArgumentError(
    `Cannot recall a message: "${
      printable(String(handle), 64)
    }" is not the recallHandle of the result of a send`,
  );
}

function decodeBase64(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  try {
    return atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return undefined;
  }
}
