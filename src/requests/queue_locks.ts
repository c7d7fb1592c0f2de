import type { MessageQueue } from "../message/mod.ts";
import { type RemotingCommand, type RemotingRequest, RequestCode } from "../remoting/mod.ts";
import { JsonValue } from "./json_body.ts";
import { checkSuccess, type ResponseContext } from "./response.ts";

/*
  LOCK_BATCH_MQ (41), to a master

  request  = no fields, body: JSON { consumerGroup, clientId, mqSet: [{ topic, brokerName, queueId }],
             onlyThisBroker: false }
  response = code 0, body: JSON { lockOKMQSet: [queues that the client id has now] }

  UNLOCK_BATCH_MQ (42), to a master

  request  = the same body
  response = code 0

  A lock lives 60 s from the last request of the same client id. It belongs to the id alone: it
  survives the connection and UNREGISTER_CLIENT. It is lost when the broker restarts.
*/

/** The client and the queues of a request for locks. */
export interface QueueLockFields {
  /** Name of the consumer group. */
  consumerGroup: string;
  /** Id of the client that has the locks. */
  clientId: string;
  /** Queues of the broker that the request goes to. */
  queues: readonly MessageQueue[];
}

/** Most queues in one answer, as many as a route has at most. */
const MAX_QUEUES = 65_536;

/** Makes a request for the locks of queues, which also renews those that the client has. */
export function createLockQueuesRequest(fields: QueueLockFields): RemotingRequest {
  return { code: RequestCode.LOCK_BATCH_MQ, body: lockBody(fields) };
}

/** Reads which queues the client has locked now. @throws {BrokerResponseError} @throws {ProtocolError} */
export function readLockQueuesResponse(
  response: RemotingCommand,
  context: ResponseContext,
): MessageQueue[] {
  checkSuccess(response, context, { what: "lock queues", actions: ["SUB"] });
  return JsonValue.parse(response.body, "locked queues", context)
    .member("lockOKMQSet").items(MAX_QUEUES).map(readQueue);
}

/** Makes a request that gives up the locks of queues. */
export function createUnlockQueuesRequest(fields: QueueLockFields): RemotingRequest {
  return { code: RequestCode.UNLOCK_BATCH_MQ, body: lockBody(fields) };
}

/** Reads the answer to given up locks. @throws {BrokerResponseError} when the broker refuses. */
export function readUnlockQueuesResponse(
  response: RemotingCommand,
  context: ResponseContext,
): void {
  checkSuccess(response, context, { what: "unlock queues", actions: ["SUB"] });
}

function lockBody({ consumerGroup, clientId, queues }: QueueLockFields): Uint8Array {
  const mqSet = queues.map(({ topic, brokerName, queueId }) => ({ brokerName, queueId, topic }));
  const body = { clientId, consumerGroup, mqSet, onlyThisBroker: false };
  return new TextEncoder().encode(JSON.stringify(body));
}

function readQueue(queue: JsonValue): MessageQueue {
  return {
    topic: queue.member("topic").string(),
    brokerName: queue.member("brokerName").string(),
    queueId: queue.member("queueId").integer(0, 2 ** 31 - 1),
  };
}
