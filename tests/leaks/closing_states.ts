import { RequestCode } from "../../src/remoting/mod.ts";
import type { TransactionProducer, TransactionProducerOptions } from "../../src/transaction/mod.ts";
import { settle } from "../support/fake_clock.ts";
import type { ScriptedCluster } from "../support/scripted_cluster.ts";
import { silence } from "../support/scripted_peer.ts";
import { message, PatientListener, saying } from "../transaction/support.ts";

const {
  SEND_MESSAGE_V2: SEND,
  END_TRANSACTION,
  HEART_BEAT,
  GET_ROUTEINFO_BY_TOPIC: ROUTE,
} = RequestCode;

/** A producer in some state, and what waits on it. */
export interface Prepared {
  producer: TransactionProducer;
  /** Each has to settle when the producer ends. */
  waiting: Promise<unknown>[];
  /** What the application does after the end. */
  finish?: () => Promise<unknown>;
}

/** A state in which a producer may be when it is closed. */
export interface ClosingState {
  name: string;
  /** Brings a producer of the cluster into it. */
  prepare(cluster: ScriptedCluster): Promise<Prepared>;
}

/** A promise that the test looks at later, when it may have been rejected long before. */
function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

async function starting(cluster: ScriptedCluster, time = 0): Promise<Prepared> {
  const producer = cluster.transactionProducer(saying("COMMIT"));
  const waiting = [later(producer.start())];
  await settle();
  await cluster.clock.advance(time);
  return { producer, waiting };
}

async function sending(
  cluster: ScriptedCluster,
  options: Partial<TransactionProducerOptions> = {},
  sends = 1,
): Promise<Prepared> {
  const producer = await cluster.started(saying("COMMIT"), options);
  const waiting = Array.from(
    { length: sends },
    () => later(producer.sendMessageInTransaction(message())),
  );
  await settle();
  return { producer, waiting };
}

async function patient(
  cluster: ScriptedCluster,
  prepare: (prepared: Prepared) => void,
): Promise<Prepared> {
  const listener = new PatientListener();
  const producer = await cluster.started(listener, { checkConcurrency: 1 });
  const prepared: Prepared = { producer, waiting: [] };
  prepare(prepared);
  await settle();
  return prepared;
}

/** A local transaction runs until its signal aborts. */
async function running(cluster: ScriptedCluster): Promise<Prepared> {
  const producer = await cluster.started({
    executeLocalTransaction: (_message, _arg, { signal }) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
    checkLocalTransaction: () => "UNKNOWN",
  });
  const waiting = [later(producer.sendMessageInTransaction(message()))];
  await settle();
  return { producer, waiting };
}

/** All that a producer may be busy with. */
export const CLOSING_STATES: readonly ClosingState[] = [
  {
    name: "never started",
    prepare: (cluster) =>
      Promise.resolve({ producer: cluster.transactionProducer(saying("COMMIT")), waiting: [] }),
  },
  {
    name: "starting, a name server is being dialled",
    prepare(cluster) {
      cluster.network.fail(cluster.nameServer.address, "silent");
      return starting(cluster);
    },
  },
  {
    name: "starting, no name server listens",
    prepare(cluster) {
      cluster.network.fail(cluster.nameServer.address);
      return starting(cluster, 500);
    },
  },
  {
    name: "starting, the route was asked for",
    prepare(cluster) {
      cluster.nameServer.on(ROUTE, silence);
      return starting(cluster);
    },
  },
  {
    name: "starting, a broker is being dialled",
    prepare(cluster) {
      cluster.network.fail(cluster.broker.address, "silent");
      return starting(cluster);
    },
  },
  {
    name: "starting, it waits to dial a broker again",
    prepare(cluster) {
      cluster.network.fail(cluster.broker.address);
      return starting(cluster, 1_500);
    },
  },
  {
    name: "starting, the heartbeat has no answer yet",
    prepare(cluster) {
      cluster.broker.on(HEART_BEAT, silence);
      return starting(cluster);
    },
  },
  {
    name: "idle",
    prepare: async (cluster) => ({
      producer: await cluster.started(saying("COMMIT")),
      waiting: [],
    }),
  },
  {
    name: "idle, all its brokers are gone",
    async prepare(cluster) {
      const producer = await cluster.started(saying("COMMIT"));
      cluster.network.fail(cluster.broker.address);
      cluster.broker.cut();
      await cluster.clock.advance(10_000);
      return { producer, waiting: [] };
    },
  },
  {
    name: "idle, its broker hangs",
    async prepare(cluster) {
      const producer = await cluster.started(saying("COMMIT"));
      for (const code of [HEART_BEAT, RequestCode.UNREGISTER_CLIENT]) {
        cluster.broker.on(code, silence);
      }
      await cluster.clock.advance(31_000);
      return { producer, waiting: [] };
    },
  },
  {
    name: "a send asks for a route",
    async prepare(cluster) {
      const producer = await cluster.started(saying("COMMIT"));
      cluster.nameServer.on(ROUTE, silence);
      const waiting = [later(producer.sendMessageInTransaction(message({ topic: "Other" })))];
      await settle();
      return { producer, waiting };
    },
  },
  {
    name: "a send waits for a connection",
    async prepare(cluster) {
      const producer = await cluster.started(saying("COMMIT"));
      cluster.network.fail(cluster.broker.address);
      cluster.broker.cut();
      await settle();
      const waiting = [later(producer.sendMessageInTransaction(message()))];
      await cluster.clock.advance(500);
      return { producer, waiting };
    },
  },
  {
    name: "a send waits for its turn",
    prepare(cluster) {
      cluster.broker.on(SEND, silence);
      return sending(cluster, { maxSendsInFlight: 1 }, 3);
    },
  },
  {
    name: "a half message has no answer yet",
    prepare(cluster) {
      cluster.broker.on(SEND, silence);
      return sending(cluster);
    },
  },
  {
    name: "a plain send rests before it is tried again",
    async prepare(cluster) {
      const producer = await cluster.started(saying("COMMIT"));
      cluster.broker.on(SEND, () => ({ code: 2, remark: "busy" }));
      const waiting = [later(producer.send(message()))];
      await settle();
      return { producer, waiting };
    },
  },
  {
    name: "a local transaction runs",
    prepare: (cluster) => running(cluster),
  },
  {
    name: "a verdict has no answer yet",
    prepare(cluster) {
      cluster.broker.on(END_TRANSACTION, silence);
      return sending(cluster);
    },
  },
  {
    name: "a verdict waits to be repeated",
    prepare(cluster) {
      cluster.broker.on(END_TRANSACTION, () => ({ code: 2, remark: "busy" }));
      return sending(cluster);
    },
  },
  {
    name: "a verdict is held back for the next question",
    async prepare(cluster) {
      const { broker, clock } = cluster, listener = new PatientListener();
      const producer = await cluster.started(listener);
      const waiting = [later(producer.sendMessageInTransaction(message()))];
      await settle();
      broker.checkBack(broker.halves[0]!);
      await clock.advance(2_000);
      listener.executions[0]!.answer("COMMIT");
      await settle();
      return { producer, waiting };
    },
  },
  {
    name: "the listener works on a check-back, and more wait",
    prepare: (cluster) =>
      patient(cluster, () => {
        for (const transactionId of ["A", "B", "C"]) {
          cluster.broker.checkBack(cluster.broker.strangeHalf({ transactionId }));
        }
      }),
  },
  {
    name: "a loop over check-backs waits for the next one",
    async prepare(cluster) {
      const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" });
      const waiting = [producer.checkBacks().next()];
      await settle();
      return { producer, waiting };
    },
  },
  {
    name: "a loop over check-backs works on one, and more wait",
    async prepare(cluster) {
      const { broker } = cluster;
      const producer = await cluster.started({ executeLocalTransaction: () => "COMMIT" });
      for (const transactionId of ["A", "B"]) {
        broker.checkBack(broker.strangeHalf({ transactionId }));
      }
      await producer.checkBacks().next();
      return { producer, waiting: [] };
    },
  },
  {
    name: "a transaction was begun and not decided",
    async prepare(cluster) {
      const producer = await cluster.started(saying("COMMIT"));
      const transaction = await producer.begin(message());
      return { producer, waiting: [], finish: () => transaction.commit() };
    },
  },
  {
    name: "an iteration over events waits",
    async prepare(cluster) {
      const producer = await cluster.started(saying("COMMIT"));
      const events = producer.events();
      return { producer, waiting: [events.next(), producer.closed] };
    },
  },
  {
    name: "closing already",
    async prepare(cluster) {
      const prepared = await running(cluster);
      prepared.waiting.push(prepared.producer.shutdown({ timeout: 2_000 }));
      await settle();
      return prepared;
    },
  },
  {
    name: "closed",
    async prepare(cluster) {
      const producer = await cluster.started(saying("COMMIT"));
      await producer.shutdown();
      return { producer, waiting: [] };
    },
  },
];
