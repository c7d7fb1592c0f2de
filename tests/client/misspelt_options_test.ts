import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  createTlsDialer,
  InvalidArgumentError,
  Producer,
  recoverTransactions,
  type TransactionListener,
  TransactionProducer,
} from "../../mod.ts";
import { Consumer } from "../../src/consumer/mod.ts";
import { EmbeddedBroker } from "../../src/testing/mod.ts";
import { testSecret } from "../support/secrets.ts";

/*
  What a newcomer writes, and what he reads then. Types catch most of it in a literal, but nothing
  through a spread and nothing in JavaScript.
*/

const GROUP = { nameServers: "127.0.0.1:9876", producerGroup: "order_service", topics: ["orders"] };
const transactionListener: TransactionListener = {
  executeLocalTransaction: () => "COMMIT",
  checkLocalTransaction: () => "UNKNOWN",
};

function assertRefused(options: Record<string, unknown>, says: string): void {
  const make = () =>
    new TransactionProducer({ ...GROUP, transactionListener, ...options } as never);
  const error = assertThrows(make, InvalidArgumentError);
  assertEquals(error.message, says);
}

Deno.test("options - one that does not exist is refused with the one that was meant", () => {
  const meant = {
    sendTimeOut: "sendTimeout",
    namesrvAddr: "nameServers",
    nameServer: "nameServers",
    group: "producerGroup",
    topic: "topics",
    retryTimesWhenSendFailed: "retries",
    ssl: "tls",
    checkTimout: "checkTimeout",
    transactionCheckMaxx: "transactionCheckMax",
    log: "logger",
  };
  for (const [given, right] of Object.entries(meant)) {
    assertRefused(
      { [given]: 5_000 },
      `Cannot use option ${given}: there is no such option, did you mean ${right}?`,
    );
  }
  assertRefused({ colour: "red" }, "Cannot use option colour: there is no such option");
  const make = () => new Producer({ ...GROUP, endTransactionTimeout: 1 } as never);
  assertThrows(make, InvalidArgumentError, "option endTransactionTimeout: there is no such option");
});

Deno.test("options - one within another option, too, and no value is shown", () => {
  const secret = testSecret("hunter2");
  assertRefused(
    { tls: { ca: "-----BEGIN" } },
    "Cannot use TLS option ca: there is no such option, did you mean caCerts?",
  );
  assertThrows(() => createTlsDialer({ caCert: [] } as never), InvalidArgumentError, "caCerts?");
  assertRefused(
    { credentials: { accessKey: "alice", secret } },
    "Cannot use credentials option secret: there is no such option, did you mean secretKey?",
  );
  assertRefused(
    { autoBatch: { holdtime: 5 } },
    "Cannot use autoBatch option holdtime: there is no such option, did you mean holdTime?",
  );
  assertRefused(
    { latencyFaultTolerance: { latencymax: [] } },
    "Cannot use latencyFaultTolerance option latencymax: there is no such option, did you mean latencyMax?",
  );
  assertRefused(
    { messageTrace: { topics: "T" } },
    "Cannot use messageTrace option topics: there is no such option, did you mean topic?",
  );
});

Deno.test("options - values of the wrong kind are named with what helps", () => {
  assertRefused(
    { logger: {} },
    "Cannot use option logger: it has no method debug, info, warn, error; console fits, false silences",
  );
  assertRefused(
    { logger: { ...console, warn: undefined } },
    "Cannot use option logger: it has no method warn; console fits, false silences",
  );
  assertRefused(
    { topics: "orders" },
    'Cannot use option topics: a list of names is needed: ["orders"]',
  );
  assertRefused(
    { nameServers: "a:1,b:2" },
    'Cannot use option nameServers: "a:1,b:2" is no address, several host:port are separated by ' +
      'semicolons: "a:1;b:2"',
  );
  assertRefused(
    { nameServers: "localhost" },
    'Cannot use option nameServers: "localhost" is no address, host:port is needed, the port of name ' +
      'servers is 9876 by default: "localhost:9876"',
  );
  assertRefused(
    { sendTimeout: "3000" },
    "Cannot use option sendTimeout: it must be a whole number from 1 to 2147483647 ms, current value " +
      'is "3000"',
  );
  assertRefused(
    { endTransactionMode: "one-way" },
    'Cannot use option endTransactionMode: it must be "confirm" or "oneway", current value is "one-way"',
  );
});

Deno.test("options - a listener whose method is misspelt is refused, one with methods of its own is not", () => {
  const executeLocalTransaction = () => "COMMIT";
  assertRefused(
    { transactionListener: { executeLocalTransaction, checkLocalTranscation: () => "COMMIT" } },
    "Cannot make transaction producer: transactionListener has a method checkLocalTranscation, did you " +
      "mean checkLocalTransaction?",
  );
  assertRefused(
    { transactionListener: { executeLocalTransction: executeLocalTransaction } },
    "Cannot make transaction producer: transactionListener has no method executeLocalTransaction, but " +
      "executeLocalTransction",
  );
  class Listener implements TransactionListener {
    checksSeen = 0;
    executeLocalTransaction = () => "COMMIT" as const;
    transactionTable() {}
    isLocal() {}
  }
  new TransactionProducer({ ...GROUP, transactionListener: new Listener() });
});

Deno.test("options - of calls and messages, too, also of those from JavaScript", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false, topics: ["orders"] });
  const { nameServer: nameServers, dialer } = broker;
  await using producer = new TransactionProducer({
    ...GROUP,
    ...{ nameServers, dialer, transactionListener },
  });
  await assertRejects(
    () => producer.start({ timeout: 5 } as never),
    InvalidArgumentError,
    "Cannot use option timeout: there is no such option",
  );
  await producer.start();
  const message = { topic: "orders", body: "order 1" };
  const id = "7F00000100000000000000000000000A";
  const calls: [call: () => Promise<unknown>, says: string][] = [
    [
      () => producer.send({ ...message, tag: "a" } as never),
      'Cannot send message to topic "orders": a message has no field tag, did you mean tags?',
    ],
    [
      () => producer.sendMessageInTransaction({ ...message, key: "a" } as never),
      'Cannot send message to topic "orders": a message has no field key, did you mean keys?',
    ],
    [
      () => producer.sendBatch([{ ...message, orderNumber: 1 } as never]),
      'Cannot send message to topic "orders": a message has no field orderNumber; properties carry your own',
    ],
    [
      () => producer.send(message, { timeOut: 1 } as never),
      "Cannot use option timeOut: there is no such option, did you mean timeout?",
    ],
    [
      () => producer.transaction(message, () => {}, { abort: 1 } as never),
      "Cannot use option abort: there is no such option",
    ],
    [
      () => producer.queryMessages({ topic: "orders", keys: "a" } as never),
      "Cannot use field of a query keys: there is no such option, did you mean key?",
    ],
    [
      () => producer.send({ topic: "orders", body: { id: 1 } } as never),
      'Cannot send message to topic "orders": its body is neither a Uint8Array nor a string, use ' +
      "JSON.stringify()",
    ],
    [() => producer.inspect(id, undefined as never), "Cannot use topic: a name is needed"],
    [() => producer.inspect(undefined as never, { topic: "orders" }), "its id is needed"],
    [() => producer.viewMessage(id, undefined as never), "Cannot use topic: a name is needed"],
    [() => producer.viewMessage("x", { topic: "orders" }), "is no offset message id"],
    [() => producer.transaction(message, undefined as never), "its work is not a function"],
    [() => producer.shutdown({ wait: 1 } as never), "Cannot use option wait"],
    [
      () =>
        recoverTransactions(
          { ...GROUP, idleTimout: 5, checkLocalTransaction: () => "COMMIT" } as never,
        ),
      "Cannot use option idleTimout: there is no such option, did you mean idleTimeout?",
    ],
  ];
  for (const [call, says] of calls) await assertRejects(call, InvalidArgumentError, says);

  class OrderPlaced {
    readonly topic = "orders";
    readonly body = "order 2";
    readonly orderNumber = 2;
  }
  await producer.send(new OrderPlaced());
  assertEquals((await broker.messages("orders")).length, 1);
});

// Checked by the compiler: options in the place of the argument were silently the listener's.
export function _typesOf(producer: TransactionProducer): void {
  const message = { topic: "orders", body: "order 1" };
  // @ts-expect-error The listener takes no argument.
  producer.sendMessageInTransaction(message, { timeout: 5 });
  producer.sendMessageInTransaction(message, undefined, { timeout: 5 });
  const inferred = new TransactionProducer({
    ...GROUP,
    transactionListener: {
      executeLocalTransaction: (_message, order: { id: string }) =>
        order.id ? "COMMIT" : "ROLLBACK",
    },
  });
  inferred.sendMessageInTransaction(message, { id: "1" });
  // @ts-expect-error Its listener takes an order.
  inferred.sendMessageInTransaction(message, { timeout: 5 });
}

Deno.test("options - of a consumer, too", () => {
  const options = {
    nameServers: "127.0.0.1:9876",
    group: "warehouse",
    subscriptions: { orders: "*" },
  };
  const refused: [Record<string, unknown>, string][] = [
    [{ consumerGroup: "g" }, "option consumerGroup: there is no such option, did you mean group?"],
    [{ concurency: 4 }, "option concurency: there is no such option, did you mean concurrency?"],
    [
      { retry: { attemps: 3 } },
      "retry option attemps: there is no such option, did you mean attempts?",
    ],
    [{ buffer: { byte: 3 } }, "buffer option byte: there is no such option, did you mean bytes?"],
    [{ logger: {} }, "option logger: it has no method debug, info, warn, error"],
  ];
  for (const [more, says] of refused) {
    assertThrows(() => new Consumer({ ...options, ...more } as never), InvalidArgumentError, says);
  }
});
