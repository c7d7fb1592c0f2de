import { type ClientOptions, createReply } from "../../mod.ts";
import { decodeMessages, encodeStoredMessage } from "../../src/message/mod.ts";
import { type RemotingCommand, RequestCode, ResponseCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { type ScriptedCluster, TOPIC } from "../support/scripted_cluster.ts";
import { message, saying } from "../transaction/support.ts";
import { testSecret } from "../support/secrets.ts";

/** Who a client is in these tests. */
export const CREDENTIALS = {
  accessKey: "alice",
  secretKey: testSecret("of-alice"),
  securityToken: testSecret("token-of-alice"),
};

/** Every request of a member's life goes out: routes, heartbeat, sends of all kinds, verdicts, leave. */
export async function liveALife(
  cluster: ScriptedCluster,
  options: Partial<ClientOptions>,
): Promise<void> {
  const { broker } = cluster;
  broker.on(RequestCode.SEND_REPLY_MESSAGE_V2, (command, on) => broker.store(command, on));
  broker.on(RequestCode.SEND_BATCH_MESSAGE, (command, on) => broker.store(command, on));
  broker.on(RequestCode.QUERY_MESSAGE, () => ({ code: ResponseCode.QUERY_NOT_FOUND }));
  const producer = await cluster.started(saying("COMMIT", "ROLLBACK"), options);
  await producer.sendMessageInTransaction(message());
  broker.checkBack({
    ...broker.strangeHalf({ transactionId: "0".repeat(32) }),
    ...namesOf(broker),
  });
  await settle();
  await producer.transaction(message(), () => "UNKNOWN");
  await producer.sendOneway(message());
  await producer.sendBatch([message()]);
  const properties = {
    CLUSTER: "DefaultCluster",
    CORRELATION_ID: "c",
    REPLY_TO_CLIENT: "client",
    TTL: "3000",
  };
  const [request] = await decodeMessages(
    encodeStoredMessage({ topic: TOPIC, body: new Uint8Array(1), properties }),
  );
  cluster.route("DefaultCluster_REPLY_TOPIC");
  await producer.send(createReply(request!, "pong"));
  await producer.queryMessages({ topic: TOPIC, key: "k" });
  await producer.shutdown();
}

/** Group and topic as the broker knows them. */
function namesOf({ halves }: ScriptedCluster["broker"]): { group: string; topic: string } {
  const { PGROUP } = halves[0]!.properties;
  return { group: PGROUP!, topic: halves[0]!.topic };
}

/** All requests that the servers of a cluster got. */
export function requestsTo(cluster: ScriptedCluster): RemotingCommand[] {
  return [...cluster.nameServers, ...cluster.brokers]
    .flatMap(({ connections }) => connections.flatMap(({ requests }) => requests));
}

/** The requests of such a life. */
export const LIFE = [
  RequestCode.GET_ROUTEINFO_BY_TOPIC,
  RequestCode.HEART_BEAT,
  RequestCode.SEND_MESSAGE_V2,
  RequestCode.SEND_BATCH_MESSAGE,
  RequestCode.SEND_REPLY_MESSAGE_V2,
  RequestCode.END_TRANSACTION,
  RequestCode.QUERY_MESSAGE,
  RequestCode.UNREGISTER_CLIENT,
];
