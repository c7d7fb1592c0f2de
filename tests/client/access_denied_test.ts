import { assert, assertEquals, assertRejects } from "@std/assert";
import { AccessDeniedError, BrokerResponseError, TopicRouteNotFoundError } from "../../mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { ScriptedCluster } from "../support/scripted_cluster.ts";
import { message, saying } from "../transaction/support.ts";
import { CREDENTIALS } from "./access_support.ts";

Deno.test("AccessDeniedError - servers of both versions are understood, other refusals stay as they are", async () => {
  const v4 = (text: string) =>
    `org.apache.rocketmq.acl.common.AclException: ${text}, org.apache.rocketmq.acl.plain.X`;
  for (
    const [code, remark, reason, said] of [
      [
        16,
        "User:u has no permission to access Topic:ns%t from 10.0.0.1, no matched policies.",
        "authorization",
        'lacks PUB on topic "ns%t"',
      ],
      [
        16,
        "User:u has no permission to access Group:g from 10.0.0.1, the decision is deny.",
        "authorization",
        'lacks PUB on group "g"',
      ],
      [16, "check signature failed.", "authentication", "check secretKey"],
      [16, "User:u is disabled.", "authentication", "is disabled"],
      [16, "User:u is not found.", "authentication", "no user with this access key"],
      [16, "username cannot be null.", "authentication", "set the option credentials"],
      [
        1,
        v4("No default permission for topic=TopicTest"),
        "authorization",
        `lacks PUB on topic "TopicTest"`,
      ],
      [1, v4("Check signature failed for accessKey=u"), "authentication", "check secretKey"],
      [1, v4("No acl config for u"), "authentication", "no user with this access key"],
      [1, v4("No accessKey is configured"), "authentication", "set the option credentials"],
      [16, "the broker[b] sending message is forbidden", undefined, "have write permission"],
      [1, "java.lang.NullPointerException", undefined, "response code 1"],
    ] as const
  ) {
    await using cluster = new ScriptedCluster();
    cluster.broker.on(RequestCode.SEND_MESSAGE_V2, () => ({ code, remark }));
    const producer = cluster.producer({ retries: 0 });
    await producer.start();
    const error = await assertRejects(() => producer.send(message()), BrokerResponseError, said);
    assertEquals([error.responseCode, error.remark, error.isRetriable], [code, remark, false]);
    assertEquals(error instanceof AccessDeniedError ? error.reason : undefined, reason);
  }
});

Deno.test("AccessDeniedError - one name server that lets a client in is enough", async () => {
  await using cluster = new ScriptedCluster({ nameServers: 2 });
  const refuse = () => ({ code: 16, remark: "check signature failed." });
  cluster.nameServer.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, refuse);
  await cluster.started(saying("COMMIT"));
  cluster.nameServers[1]!.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, refuse);
  const client = cluster.client();
  await assertRejects(() => client.route("other", { timeout: 1_000 }), AccessDeniedError);
});

Deno.test("AccessDeniedError - a refused heartbeat ends a start at once, and is tried again later", async () => {
  await using cluster = new ScriptedCluster();
  const { broker } = cluster;
  broker.on(RequestCode.HEART_BEAT, () => ({ code: 16, remark: "User:alice is not found." }));
  const producer = cluster.transactionProducer(saying("COMMIT"), { credentials: CREDENTIALS });
  const error = await assertRejects(() => producer.start(), AccessDeniedError);
  assert(error.message.startsWith('Cannot register at the broker: broker "broker-1" at 10.0.1.1'));
  broker.on(RequestCode.HEART_BEAT, () => ({}));
  const starting = producer.start();
  await cluster.clock.advance(3_000);
  await starting;
});

Deno.test("AccessDeniedError - who may not see the default topic is told that the topic is missing", async () => {
  await using cluster = new ScriptedCluster();
  const { nameServer } = cluster;
  nameServer.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, ({ extFields: { topic } }) => {
    const remark = `User:u has no permission to access Topic:${topic} from 10.0.0.1, no policies.`;
    return topic === "TBW102" ? { code: 16, remark } : nameServer.answer(topic!);
  });
  const client = cluster.client();
  await assertRejects(
    () => client.route("missing", { timeout: 1_000 }),
    TopicRouteNotFoundError,
    "create the topic",
  );
});
