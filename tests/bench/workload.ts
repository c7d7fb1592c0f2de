import { LocalTransactionState, Producer, SendStatus, TransactionProducer } from "../../mod.ts";
import type { Wanted } from "./arguments.ts";

/** Something that sends one message at a time. */
export interface Workload extends AsyncDisposable {
  /** Sends one; rejects when it did not come to what was asked for. */
  send(): Promise<unknown>;
  /** Check-backs so far. */
  checks(): number;
}

/**
 * Bytes that every benchmarked client sends: letters of an alphabet of 64, so that compressing them
 * gains about a quarter.
 */
export function createBody(length: number): Uint8Array {
  const body = new Uint8Array(length);
  for (let i = 0, x = 12345; i < length; i++) {
    x = (Math.imul(x, 1103515245) + 12345) | 0;
    body[i] = 48 + ((x >>> 16) & 63);
  }
  return body;
}

/** Connects a producer as the command line wants it. */
export async function startWorkload(wanted: Wanted): Promise<Workload> {
  return wanted.mode === "tx" ? await startTransactions(wanted) : await startSends(wanted);
}

function commonOptions({ namesrv, group, topic, compress }: Wanted) {
  return {
    nameServers: namesrv,
    producerGroup: group,
    topics: [topic],
    ...(compress === "off" ? { compression: "NONE" as const } : {}),
  };
}

/** The check listener never decides: what becomes visible is what the verdicts made visible. */
async function startTransactions(wanted: Wanted): Promise<Workload> {
  let checks = 0;
  const producer = new TransactionProducer({
    ...commonOptions(wanted),
    endTransactionMode: wanted.verdict,
    transactionListener: {
      executeLocalTransaction: () => LocalTransactionState.Commit,
      checkLocalTransaction() {
        checks++;
        return LocalTransactionState.Unknown;
      },
    },
  });
  await producer.start();
  const { topic } = wanted, body = createBody(wanted.body);
  const expected = wanted.verdict === "confirm" ? "confirmed" : "sent";
  return {
    async send() {
      const sent = await producer.sendMessageInTransaction({ topic, body });
      if (sent.endTransaction !== expected) {
        throw sent.endTransactionError ?? new Error(`the verdict is ${sent.endTransaction}`);
      }
    },
    checks: () => checks,
    [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
  };
}

async function startSends(wanted: Wanted): Promise<Workload> {
  const producer = new Producer(commonOptions(wanted));
  await producer.start();
  const { topic, mode } = wanted, body = createBody(wanted.body);
  const sendConfirmed = async () => {
    const { sendStatus } = await producer.send({ topic, body });
    if (sendStatus !== SendStatus.SEND_OK) throw new Error(`it was stored with ${sendStatus}`);
  };
  return {
    send: mode === "send" ? sendConfirmed : () => producer.sendOneway({ topic, body }),
    checks: () => 0,
    [Symbol.asyncDispose]: () => producer[Symbol.asyncDispose](),
  };
}
