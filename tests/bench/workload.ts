import { LocalTransactionState, Producer, SendStatus, TransactionProducer } from "../../mod.ts";
import type { BodyKind, Wanted } from "./arguments.ts";

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

/**
 * Orders as a JSON array, the last one cut where the length is reached: what most applications send.
 * Every benchmarked client makes the same bytes.
 */
export function createJsonBody(length: number): Uint8Array {
  let text = "[", x = 12345;
  const draw = (values: number) => {
    x = (Math.imul(x, 1103515245) + 12345) | 0;
    return (x >>> 16) % values;
  };
  for (let order = 1; text.length < length; order++) {
    const status = ["NEW", "PAID", "SHIPPED", "DELIVERED"][draw(4)];
    text +=
      `{"orderId":"order-${100_000 + order}","customer":${draw(30_000)},"amount":${draw(30_000)}.` +
      `${String(draw(100)).padStart(2, "0")},"currency":"EUR","status":"${status}","items":[` +
      `{"sku":"sku-${draw(1_000)}","quantity":${1 + draw(9)}}]},`;
  }
  return new TextEncoder().encode(text.slice(0, length));
}

/** The body of each message. */
function bodyOf({ body, bodyKind }: { body: number; bodyKind: BodyKind }): Uint8Array {
  return bodyKind === "json" ? createJsonBody(body) : createBody(body);
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
  const { topic } = wanted, body = bodyOf(wanted);
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
  const { topic, mode } = wanted, body = bodyOf(wanted);
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
