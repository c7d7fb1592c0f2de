/**
 * A member of the producer group of the chaos program as a process of its own, which may be killed.
 * Its only argument is {@linkcode MemberOptions} as JSON. It sends what its database does not know
 * yet, tells on stdout when it has started and when it has finished, and ends with SIGTERM.
 */
import { TransactionProducer, TransactionSendError } from "../../mod.ts";
import { RocketMQError } from "../../src/errors.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import { Random } from "../fuzz/random.ts";
import { delay } from "../support/delay.ts";
import { print } from "../support/progress.ts";
import { silentLogger } from "../support/test_client.ts";
import { Application, type Attempt } from "./application.ts";
import { Database } from "./database.ts";
import { type Entry, LineWriter } from "./journal.ts";
import { LagMeter } from "./lag_meter.ts";
import { drawMessage } from "./workload.ts";

/** What a member is told. */
export interface MemberOptions {
  nameServers: string;
  producerGroup: string;
  topic: string;
  /** Where brokers are dialled in place of their addresses. */
  addressMap: Record<string, string>;
  /** File of the database that all members share. */
  database: string;
  /** File of its own journal. */
  journal: string;
  seed: number;
  /** Messages of the whole run; 0 for a member that is silent. */
  messages: number;
  /** Messages per second. */
  rate: number;
  /** Which messages it sends: those whose number leaves `index` when divided by `of`. */
  share: { index: number; of: number };
  mode: "confirm" | "oneway";
  /** When the sends began, in milliseconds since 1970: a later sender catches up, twice as fast. */
  beganAt?: number;
  commits?: number;
  localMs?: number;
  checkMs?: number;
}

/** Milliseconds of the client's deadlines: its defaults, which brokers in trouble have to outlast. */
export const DEADLINES = { sendTimeout: 3_000, endTransactionTimeout: 3_000 } as const;

/** Milliseconds in which a member finds its brokers, also while name servers and brokers restart. */
const START_TIMEOUT = 60_000;

/** Milliseconds for which the application tries to send a message, as a new transaction each time. */
const PERSISTENCE = 60_000;

/** Ends this process when its parent is gone, however that ended. */
function followParent(): void {
  const parent = Deno.ppid;
  setInterval(() => {
    if (Deno.ppid !== parent) Deno.exit(1);
  }, 1_000);
}

export async function main(options: MemberOptions): Promise<void> {
  followParent();
  using database = new Database(options.database);
  using journal = new LineWriter<Entry>(options.journal);
  using lags = new LagMeter();
  const application = new Application({ ...options, ...DEADLINES }, database, journal);
  const producer = new TransactionProducer<Attempt>({
    nameServers: options.nameServers,
    producerGroup: options.producerGroup,
    topics: [options.topic],
    addressMap: options.addressMap,
    transactionListener: application,
    endTransactionMode: options.mode,
    requestHooks: [{
      before({ code, fields }) {
        if (code !== RequestCode.END_TRANSACTION) return;
        const { commitOrRollback, transactionId = "" } = fields, at = Date.now();
        journal.write({
          type: "end",
          at,
          transactionId,
          commitOrRollback: Number(commitOrRollback),
        });
      },
    }],
    logger: silentLogger,
    startTimeout: START_TIMEOUT,
    ...DEADLINES,
  });
  const stopping = new Promise<void>((resolve) => Deno.addSignalListener("SIGTERM", resolve));
  const watching = watch(producer, journal);
  await producer.start();
  journal.write({ type: "started", at: Date.now() });
  print("started");

  const sends: Promise<void>[] = [];
  const done = database.finished();
  const beganAt = options.beganAt ?? Date.now();
  const { share } = options;
  for (let index = share.index; index < options.messages; index += share.of) {
    if (done.has(index)) continue;
    const due = beganAt + index * 1000 / options.rate;
    await delay(Math.max(500 / options.rate, due - Date.now()));
    sends.push(sendUntilDone(producer, application, journal, lags, options, index));
  }
  await Promise.all(sends);
  journal.write({ type: "finished", at: Date.now() });
  print("finished");

  await stopping;
  const { droppedEvents } = producer.stats();
  await producer.shutdown();
  await watching;
  journal.write({ type: "closed", at: Date.now(), droppedEvents });
  Deno.exit(0);
}

/** As an application does it: a message that could not be sent is tried again, as a new one. */
async function sendUntilDone(
  producer: TransactionProducer<Attempt>,
  application: Application,
  journal: LineWriter<Entry>,
  lags: LagMeter,
  options: MemberOptions,
  index: number,
): Promise<void> {
  const plan = drawMessage(options, index);
  const random = new Random(options.seed + index);
  const message = application.createMessage(options.topic, plan);
  for (const end = performance.now() + PERSISTENCE; performance.now() < end;) {
    const attempt: Attempt = { plan };
    const from = performance.now();
    try {
      const { transactionId } = await producer.sendMessageInTransaction(message, attempt);
      journal.write({ type: "sent", at: Date.now(), transactionId, index });
      return;
    } catch (error) {
      journal.write({ type: "failed", at: Date.now(), index, ...describeFailure(error) });
    } finally {
      noteLateness(attempt, from, journal, lags);
    }
    await delay(100 + random.below(400));
  }
  journal.write({ type: "notSent", at: Date.now(), index });
}

function describeFailure(error: unknown) {
  return {
    outcome: error instanceof TransactionSendError ? error.outcome : "other" as const,
    brokerName: error instanceof RocketMQError ? error.brokerName ?? "" : "",
    reason: error instanceof Error ? error.message : String(error),
  };
}

/** Writes down by how much a call outlived its deadlines: that of the send, that of the verdict. */
function noteLateness(
  { ranFrom, ranTo }: Attempt,
  from: number,
  journal: LineWriter<Entry>,
  lags: LagMeter,
): void {
  const now = performance.now(), at = Date.now();
  const sending = (ranFrom ?? now) - from - DEADLINES.sendTimeout;
  if (sending > 0) {
    journal.write({ type: "late", at, what: "send", by: sending, lag: lags.since(from) });
  }
  if (ranTo === undefined) return;
  const deciding = now - ranTo - DEADLINES.endTransactionTimeout;
  if (deciding > 0) {
    journal.write({ type: "late", at, what: "verdict", by: deciding, lag: lags.since(ranTo) });
  }
}

/** Writes down what happens in the producer. */
async function watch(
  producer: TransactionProducer<Attempt>,
  journal: LineWriter<Entry>,
): Promise<void> {
  const decided = new Set<string>();
  for await (const event of producer.events()) {
    const at = Date.now();
    switch (event.type) {
      case "brokerRegistered":
      case "brokerLost": {
        const isUp = event.type === "brokerRegistered";
        journal.write({ type: "connection", at, brokerName: event.brokerName, isUp });
        break;
      }
      case "checkBack": {
        const { transactionId, handling } = event;
        const isDecided = decided.has(transactionId);
        journal.write({ type: "check", at, transactionId, handling, isDecided });
        break;
      }
      case "endTransaction": {
        const { transactionId, state, outcome, brokerName } = event;
        journal.write({ type: "verdict", at, transactionId, state, outcome, brokerName });
        if (outcome === "confirmed" && state !== "UNKNOWN") decided.add(transactionId);
        break;
      }
    }
  }
}

if (import.meta.main) await main(JSON.parse(Deno.args[0]!));
