import { assertEquals, assertInstanceOf, assertLess, assertStringIncludes } from "@std/assert";
import {
  BrokerResponseError,
  LocalTransactionState,
  RocketMQError,
  TransactionProducer,
  type TransactionProducerOptions,
} from "../../mod.ts";
import { brokerTest } from "../support/real_broker.ts";
import { silentLogger } from "../support/test_client.ts";
import {
  findDeadAddress,
  startClosingServer,
  startHttp2Server,
  startHttpServer,
  startSilentServer,
} from "../support/wrong_servers.ts";

const START_TIMEOUT = 2_000, REQUEST_TIMEOUT = 800;

/** What a deadline may be passed by on a machine that is busy with other work, in milliseconds. */
const TOLERANCE = 2_000;

/** Where a program may be told to find a name server or broker, and what its error says then. */
interface WrongPort {
  address: string;
  says: string;
  /** `true` if something else speaks there: no attempt can succeed before the address is corrected. */
  isOther?: boolean;
}

Deno.test("TransactionProducer - a wrong name server ends start() with an error that tells so", async () => {
  await using ports = await openWrongPorts();

  await Promise.all(ports.list.map(async ({ address, says, isOther = false }) => {
    const { error, time } = await failedStart({ nameServers: address });

    assertEquals(error.address, address);
    assertEquals(error.isRetriable, !isOther, says);
    assertStringIncludes(error.message, `any name server of ${address}`);
    assertStringIncludes(error.message, says);
    assertStringIncludes(error.message, "Check that nameServers names name servers");
    assertLess(time, REQUEST_TIMEOUT + TOLERANCE);
  }));
});

Deno.test("TransactionProducer - several wrong name servers are all named, each with its fault", async () => {
  await using ports = await openWrongPorts();
  const nameServers = ports.list.map(({ address }) => address);

  const { error, time } = await failedStart({ nameServers });

  assertEquals(error.address, nameServers.join(";"));
  for (const { address } of ports.list) assertStringIncludes(error.message, address);
  assertLess(time, START_TIMEOUT + TOLERANCE);
});

brokerTest(
  "TransactionProducer - a wrong broker address ends start() with an error that tells so",
  async ({ nameServers, brokers, uniqueName }) => {
    await using ports = await openWrongPorts();
    const servers: WrongPort[] = [
      ...ports.list,
      { address: nameServers.split(";")[0]!, says: "check that the address is of the right kind" },
    ];

    await Promise.all(servers.map(async ({ address, says }) => {
      const { error, time } = await failedStart({
        nameServers,
        topics: [uniqueName("Wrong")],
        addressMap: () => address,
      });

      assertEquals(error.address, address);
      assertEquals(error.brokerName, brokers[0]!.name);
      assertStringIncludes(error.message, `"${brokers[0]!.name}" at ${address}`);
      assertStringIncludes(error.message, says);
      assertStringIncludes(error.message, "set brokerIP1 on the broker or addressMap here");
      assertLess(time, START_TIMEOUT + TOLERANCE);
    }));
  },
);

brokerTest(
  "TransactionProducer - a broker that is taken for a name server is told from one",
  async ({ brokers }) => {
    const { address } = brokers[0]!;

    const { error } = await failedStart({ nameServers: address });

    assertInstanceOf(error, BrokerResponseError);
    assertEquals(error.address, address);
    assertStringIncludes(error.message, "check that the address is of the right kind of server");
  },
);

brokerTest(
  "TransactionProducer - one good name server among wrong ones is enough",
  async ({ nameServers, brokers, uniqueName }) => {
    await using ports = await openWrongPorts();
    const wrong = ports.list.map(({ address }) => address);
    await using producer = newProducer({
      nameServers: [...wrong, ...nameServers.split(";")],
      topics: [uniqueName("Good")],
      startTimeout: 30_000,
      requestTimeout: 2_000,
    });

    await producer.start();

    assertEquals(
      producer.stats().registeredBrokers.sort(),
      brokers.filter(({ brokerId }) => brokerId === 0).map(({ name }) => name).sort(),
    );
  },
);

async function failedStart(
  options: Partial<TransactionProducerOptions>,
): Promise<{ error: RocketMQError; time: number }> {
  await using producer = newProducer(options);
  const startedAt = performance.now();
  try {
    await producer.start();
  } catch (error) {
    const time = performance.now() - startedAt;
    assertInstanceOf(error, RocketMQError);
    assertEquals(producer.stats().openConnections, 0);
    return { error, time };
  }
  throw new Error("Cannot see start() fail: it succeeded");
}

function newProducer(options: Partial<TransactionProducerOptions>): TransactionProducer {
  return new TransactionProducer({
    nameServers: "",
    producerGroup: "wrong_ports",
    topics: ["TopicTest"],
    startTimeout: START_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    logger: silentLogger,
    transactionListener: { executeLocalTransaction: () => LocalTransactionState.Unknown },
    ...options,
  });
}

async function openWrongPorts(): Promise<AsyncDisposable & { list: WrongPort[] }> {
  const stack = new AsyncDisposableStack();
  const http = stack.use(startHttpServer());
  const http2 = stack.use(await startHttp2Server());
  const silent = stack.use(startSilentServer());
  const closing = stack.use(startClosingServer());
  return {
    list: [
      { address: findDeadAddress(), says: "connection refused, nothing listens there" },
      {
        address: http.address,
        says: "this looks like HTTP, the address is not a RocketMQ",
        isOther: true,
      },
      {
        address: http2.address,
        says: "this looks like HTTP/2 (gRPC), the address is a proxy",
        isOther: true,
      },
      { address: silent.address, says: "no answer within" },
      { address: closing.address, says: "the peer closed the connection" },
    ],
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
