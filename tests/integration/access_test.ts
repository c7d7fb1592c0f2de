import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  AccessDeniedError,
  type CredentialsOptions,
  LocalTransactionState,
  Producer,
  TopicRouteNotFoundError,
  TransactionProducer,
  TransactionSendError,
} from "../../mod.ts";
import { Credentials, signRequest } from "../../src/access/mod.ts";
import {
  createRequest,
  encodeCommand,
  FrameDecoder,
  type RemotingCommand,
  type SerializeType,
} from "../../src/remoting/mod.ts";
import {
  CommitOrRollback,
  createHeartbeatRequest,
  readEndTransactionResponse,
} from "../../src/requests/mod.ts";
import { parseAddress } from "../../src/route/mod.ts";
import { ADMIN, createUser, GUARDED, startGuardedNameServer } from "../support/access_control.ts";
import { RocketMQCluster } from "../support/cluster.ts";
import { findCompiler } from "../support/java_program.ts";
import { eventually } from "../support/progress.ts";
import { launcherTest } from "../support/real_broker.ts";
import { recordEvents } from "../support/scripted_cluster.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { createEndTransactionRequest } from "../support/requests.ts";
import { announceUnavailable, isClusterRequired } from "../support/shared_cluster.ts";
import { TestClient } from "../support/test_client.ts";
import { SECRET_MARK, testSecret } from "../support/secrets.ts";

const { Commit, Rollback, Unknown } = LocalTransactionState;
const TOPIC = "orders";

/** May send to the topic, and nothing else. */
const SENDER: CredentialsOptions = { accessKey: "sender", secretKey: testSecret("of-sender") };
/** May read the topic. */
const READER: CredentialsOptions = { accessKey: "reader", secretKey: testSecret("of-reader") };
/** May send to the topic of a namespace. */
const TENANT: CredentialsOptions = { accessKey: "tenant", secretKey: testSecret("of-tenant") };
/** A user without a right. */
const GUEST: CredentialsOptions = { accessKey: "guest", secretKey: testSecret("of-guest") };

if (await findCompiler() === undefined && !isClusterRequired()) {
  announceUnavailable("there is no `javac` beside `java`, no guarded name server can be made");
} else {
  launcherTest(
    "credentials - a broker and a name server that ask who sends a request",
    async (test) => {
      await using cluster = await RocketMQCluster.start({ brokers: 0 });
      const nameServer = await startGuardedNameServer(cluster.folder, [
        "-Drocketmq.serialize.type=ROCKETMQ",
      ]);
      await using _stopped = { [Symbol.asyncDispose]: () => nameServer.kill() };
      // The name server of the release asks nobody; so it can be seen what the broker alone does.
      const open = cluster.nameServers, guarded = nameServer.address;
      const broker = await cluster.addBroker({
        config: { ...GUARDED, recallMessageEnable: "true", namesrvAddr: `${open};${guarded}` },
      });
      const servers = [broker.address, guarded];
      await createUser(servers, SENDER, { [`Topic:${TOPIC}`]: ["Pub"] });
      await createUser(servers, TENANT, { [`Topic:tenant%${TOPIC}`]: ["Pub"] });
      await createUser(servers, READER, {
        [`Topic:${TOPIC}`]: ["Sub", "Get"],
        "Group:visible_messages": ["Sub"],
      });
      await createUser(servers, GUEST);
      await using consumer = new TestClient(guarded, undefined, READER);
      const logger = new RecordingLogger();

      const transactions = (
        credentials: CredentialsOptions,
        nameServers = guarded,
        namespace?: string,
      ) =>
        new TransactionProducer<LocalTransactionState>({
          nameServers,
          producerGroup: "guarded",
          topics: [TOPIC],
          credentials,
          ...(namespace === undefined ? {} : { namespace }),
          logger,
          sendTimeout: 10_000,
          transactionListener: {
            executeLocalTransaction: (_message, state) => state,
            checkLocalTransaction: () => Commit,
          },
        });

      await test.step("a topic that is not there says so, also to those who can't see the default one", async () => {
        await using producer = transactions(SENDER);
        await assertRejects(() => producer.start(), TopicRouteNotFoundError, "create the topic");
      });

      await test.step("an administrator makes the topic", async () => {
        const producerGroup = "admins";
        await using admin = new Producer({
          nameServers: guarded,
          producerGroup,
          credentials: ADMIN,
        });
        await admin.start();
        // A broker tells its name servers one after the other of itself, the guarded one last.
        const make = () =>
          admin.createTopic({ topic: TOPIC, attributes: { "message.type": "TRANSACTION" } })
            .then(() => true, (error) => {
              if (error instanceof TopicRouteNotFoundError) return false;
              throw error;
            });
        assert(await eventually(make, 30_000, 500), "the name server knows no broker");
        await admin.createTopic({ topic: `tenant%${TOPIC}` });
      });

      await test.step("PUB on the topic is all that a transaction takes, check-backs included", async () => {
        await using producer = transactions(SENDER);
        const events = recordEvents(producer as TransactionProducer<never>);
        await producer.start();
        for (const state of [Commit, Rollback, Unknown]) {
          const message = { topic: TOPIC, body: state, tags: state };
          const { endTransaction } = await producer.sendMessageInTransaction(message, state);
          assertEquals(endTransaction, state === Unknown ? "sent" : "confirmed");
        }
        const isAnswered = () =>
          events.some((event) =>
            event.type === "endTransaction" && event.fromCheck && event.outcome === "confirmed"
          );
        assert(
          await eventually(isAnswered, 30_000),
          "the answer to the check-back was not confirmed",
        );
        const tags = (await consumer.visibleMessages(TOPIC)).map((message) => message.tags);
        assertEquals(tags.sort(), [Commit, Unknown]);
      });

      await test.step("a token goes with every request, and is signed", async () => {
        await using producer = transactions({
          ...SENDER,
          securityToken: testSecret("token-of-sender"),
        });
        await producer.start();
        const message = { topic: TOPIC, body: "with a token" };
        const result = await producer.sendMessageInTransaction(message, Commit);
        assertEquals(result.endTransaction, "confirmed");
      });

      await test.step("rights are those on the names in a namespace", async () => {
        await using producer = transactions(TENANT, guarded, "tenant");
        await producer.start();
        const result = await producer.sendMessageInTransaction({ topic: TOPIC, body: "c" }, Commit);
        assertEquals(result.endTransaction, "confirmed");
        const sent = await producer.send({ topic: TOPIC, body: "later", delay: 60_000 });
        const { messageId, recallHandle = "" } = sent;
        assertEquals(await producer.recall({ topic: TOPIC, recallHandle }), messageId);

        await using other = transactions(SENDER, guarded, "tenant");
        const error = await assertRejects(() => other.start(), AccessDeniedError);
        assertEquals(error.missingPermission?.resource, `tenant%${TOPIC}`);
      });

      await test.step("without the right, sends are refused with an error that names it", async () => {
        await using producer = transactions(GUEST, open);
        await producer.start();
        const message = { topic: TOPIC, body: "of a guest" };

        const refused = await assertRejects(() => producer.send(message), AccessDeniedError);
        assertRight(refused, "PUB");
        const failed = await assertRejects(
          () => producer.sendMessageInTransaction(message, Commit),
          TransactionSendError,
          `lacks PUB on topic "${TOPIC}"`,
        );
        assertEquals([failed.outcome, failed.responseCode, failed.isRetriable], [
          "failed",
          16,
          false,
        ]);
        assertRight(failed.cause, "PUB");
        const query = { topic: TOPIC, key: "k" };
        assertRight(await assertRejects(() => producer.queryMessages(query)), "SUB", "GET");
        const topic = "topic_of_a_guest";
        const creation = await assertRejects(
          () => producer.createTopic({ topic }),
          AccessDeniedError,
        );
        assertEquals(creation.missingPermission?.actions, ["CREATE"]);
        assertEquals(creation.missingPermission?.resource, topic);
      });

      await test.step("a verdict without the right is refused", async () => {
        await using guest = new TestClient(open, undefined, GUEST);
        const request = createEndTransactionRequest({
          producerGroup: "guarded",
          tranStateTableOffset: 0n,
          commitLogOffset: 0n,
          commitOrRollback: CommitOrRollback.Commit,
          topic: TOPIC,
        });
        const response = await guest.request(broker.address, request);
        const read = () => readEndTransactionResponse(response, { address: broker.address });
        assertRight(assertThrows(read), "PUB");
      });

      await test.step("a wrong secret, a user that is not there, and no credentials end a start", async () => {
        for (const nameServers of [open, guarded]) {
          for (
            const [credentials, said] of [
              [
                { ...SENDER, secretKey: GUEST.secretKey },
                "the signature is wrong: check secretKey",
              ],
              [{ ...SENDER, accessKey: "nobody" }, "no user with this access key"],
              [undefined, "set the option credentials"],
            ] as const
          ) {
            await using producer = new Producer({
              nameServers,
              producerGroup: "guarded",
              topics: [TOPIC],
              logger,
              ...(credentials && { credentials }),
            });
            const error = await assertRejects(() => producer.start(), AccessDeniedError, said);
            assertEquals([error.reason, error.missingPermission], ["authentication", undefined]);
            assertEquals(error.address, nameServers === open ? broker.address : guarded);
          }
        }
      });

      await test.step("a name server refuses the route, and the error names what would be enough", async () => {
        await using producer = transactions(GUEST);
        const error = await assertRejects(() => producer.start(), AccessDeniedError);
        assertRight(error, "PUB", "SUB", "GET");
        assertEquals(error.address, guarded);
      });

      await test.step("signatures are good in both forms of the header", async () => {
        for (const serializeType of ["JSON", "ROCKETMQ"] as const) {
          for (
            const [credentials, code] of [[SENDER, 0], [
              { ...SENDER, secretKey: testSecret("x") },
              16,
            ]] as const
          ) {
            const answer = await heartbeat(broker.address, credentials, serializeType);
            assertEquals(answer.code, code, `${serializeType} ${answer.remark}`);
          }
        }
      });

      await test.step("no log of these clients has a secret or the token", () => {
        const text = Deno.inspect(logger.lines, { depth: 20, strAbbreviateSize: Infinity });
        assert(logger.lines.length > 0);
        assert(!text.includes(SECRET_MARK), text);
      });
    },
  );
}

/** Asserts that an error says that one of these actions on the topic is missing. */
function assertRight(error: unknown, ...actions: string[]): void {
  assertInstanceOf(error, AccessDeniedError);
  assertEquals([error.reason, error.responseCode], ["authorization", 16]);
  assertEquals(error.missingPermission, { actions, resourceType: "topic", resource: TOPIC });
  assert(error.message.includes(`lacks ${actions.join(" or ")} on topic "${TOPIC}"`));
}

/** Sends a heartbeat whose header is in the given form, and gives the answer. */
async function heartbeat(
  address: string,
  credentials: CredentialsOptions,
  serializeType: SerializeType,
): Promise<RemotingCommand> {
  const request = createHeartbeatRequest({ clientId: "forms", producerGroups: ["guarded"] });
  const signed = signRequest(
    { ...request, extFields: { ü: "ключ", Zone: "z", empty: "" } },
    new Credentials(credentials),
  );
  const { host, port } = parseAddress(address);
  using connection = await Deno.connect({ hostname: host, port });
  const decoder = new FrameDecoder();
  const buffer = new Uint8Array(64 * 1024);
  await connection.write(encodeCommand({ ...createRequest(signed, 1), serializeType }));
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) throw new Error(`Cannot read an answer: ${address} closed the connection`);
    const [answer] = decoder.push(buffer.slice(0, count));
    if (answer) return answer;
  }
}
