// deno-lint-ignore-file no-console
/**
 * Answers a producer as a name server and its brokers do, and does nothing beyond that, so that what
 * is measured is the producer. Run as a program, it prints the address of its name server.
 *
 *     deno run -A --no-check tests/bench/responder.ts --brokers 64
 *
 * @module
 */
import { encodeStoredMessage, MessageProperty, SysFlag } from "../../src/message/mod.ts";
import { createRequest, encodeCommand, RequestCode } from "../../src/remoting/mod.ts";
import { createCheckTransactionStateRequest } from "../../src/testing/requests.ts";
import { PreparedAnswer, RequestReader, type SeenRequest, STORED } from "./responder_frames.ts";
import { endWithInput } from "./end_with_input.ts";

/** How a responder is started. */
export interface ResponderOptions {
  /** Brokers; every topic is on all of them. */
  brokers: number;
  /** Queues of each topic on each broker. */
  queues: number;
  /** Sees every request before it is answered. */
  onRequest?: (request: SeenRequest, connection: ResponderConnection) => void;
}

/** Bytes of answers that there is room for at first. */
const START_SIZE = 256 * 1024;

/** Where a producer is connected. */
export class ResponderConnection {
  readonly #conn: Deno.Conn;
  readonly #answers: Answers;
  readonly #onRequest: ResponderOptions["onRequest"];
  #out = new Uint8Array(START_SIZE);
  #spare = new Uint8Array(START_SIZE);
  #size = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(conn: Deno.Conn, answers: Answers, onRequest: ResponderOptions["onRequest"]) {
    this.#conn = conn;
    this.#answers = answers;
    this.#onRequest = onRequest;
  }

  /** Serves it until it ends. */
  async serve(): Promise<void> {
    const reader = new RequestReader();
    const take = (request: SeenRequest) => {
      this.#onRequest?.(request, this);
      if (!request.oneway) this.#answer(request);
    };
    try {
      for (;;) {
        const count = await this.#conn.read(reader.room);
        if (count === null) break;
        reader.read(count, take);
        await this.flush();
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    } finally {
      this.#conn.close();
    }
  }

  /** Puts a frame behind what is to be written; {@linkcode ResponderConnection.flush} writes it. */
  push(frame: Uint8Array): void {
    this.#reserve(frame.length);
    this.#out.set(frame, this.#size);
    this.#size += frame.length;
  }

  /** Writes what was answered and pushed. */
  flush(): Promise<void> {
    return this.#writing = this.#writing.then(() => this.#write());
  }

  #answer(request: SeenRequest): void {
    const answer = this.#answers.to(request.code);
    this.#reserve(answer.maxSize);
    const position = this.#answers.nextPosition();
    this.#size += answer.put(this.#out, this.#size, request.opaque, position);
  }

  #reserve(size: number): void {
    if (this.#size + size <= this.#out.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#out.length, this.#size + size));
    larger.set(this.#out);
    this.#out = larger;
  }

  async #write(): Promise<void> {
    if (this.#size === 0) return;
    const memory = this.#out, size = this.#size;
    this.#out = this.#spare;
    this.#size = 0;
    for (let at = 0; at < size;) at += await this.#conn.write(memory.subarray(at, size));
    this.#spare = memory;
  }
}

/** The answers of all servers. */
class Answers {
  readonly #done = new PreparedAnswer();
  readonly #alive = new PreparedAnswer({
    fields: '{"IS_SUPPORT_HEART_BEAT_V2":"true","IS_SUB_CHANGE":"true"}',
  });
  readonly #stored = new PreparedAnswer({ fields: STORED });
  /** To a look-up: nothing is there, and the index has come as far as a log can. */
  readonly #notFound = new PreparedAnswer({
    fields: `{"indexLastUpdatePhyoffset":"${2n ** 62n}"}`,
  });
  readonly #route: PreparedAnswer;
  #position = 0;

  constructor(route: Uint8Array) {
    this.#route = new PreparedAnswer({ body: route });
  }

  to(code: number): PreparedAnswer {
    switch (code) {
      case RequestCode.SEND_MESSAGE:
      case RequestCode.SEND_MESSAGE_V2:
        return this.#stored;
      case RequestCode.GET_ROUTEINFO_BY_TOPIC:
        return this.#route;
      case RequestCode.QUERY_MESSAGE:
        return this.#notFound;
      case RequestCode.HEART_BEAT:
        return this.#alive;
      default:
        return this.#done;
    }
  }

  nextPosition(): number {
    return this.#position = (this.#position + 1) % 2 ** 31;
  }
}

/** A name server and brokers. */
export class Responder {
  /** `host:port` of the name server. */
  readonly nameServer: string;

  /** Starts listening. */
  constructor({ brokers, queues, onRequest }: ResponderOptions) {
    const names = Array.from({ length: brokers }, (_, i) => `broker-${i}`);
    const listeners = names.map(() => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
    const nameServer = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const addresses = new Map(names.map((name, i) => [name, addressOf(listeners[i]!)]));
    const answers = new Answers(encodeRoute(addresses, queues));
    this.nameServer = addressOf(nameServer);
    for (const listener of [nameServer, ...listeners]) accept(listener, answers, onRequest);
  }
}

async function accept(
  listener: Deno.TcpListener,
  answers: Answers,
  onRequest: ResponderOptions["onRequest"],
): Promise<void> {
  for await (const conn of listener) {
    conn.setNoDelay(true);
    new ResponderConnection(conn, answers, onRequest).serve();
  }
}

function addressOf({ addr }: Deno.TcpListener): string {
  return `${addr.hostname}:${addr.port}`;
}

function encodeRoute(addresses: ReadonlyMap<string, string>, queues: number): Uint8Array {
  const brokerDatas = [], queueDatas = [];
  for (const [brokerName, address] of addresses) {
    brokerDatas.push({ brokerAddrs: { "0": address }, brokerName, cluster: "DefaultCluster" });
    queueDatas.push({
      brokerName,
      perm: 6,
      readQueueNums: queues,
      topicSysFlag: 0,
      writeQueueNums: queues,
    });
  }
  const route = { brokerDatas, filterServerTable: {}, queueDatas };
  return new TextEncoder().encode(JSON.stringify(route));
}

/** Asks a producer now and then about a transaction that it does not know. */
class CheckSender {
  readonly #connections = new Set<ResponderConnection>();
  #offset = 256;

  /** Learns where producers have registered. */
  see({ code }: SeenRequest, connection: ResponderConnection): void {
    if (code === RequestCode.HEART_BEAT) this.#connections.add(connection);
  }

  /** Sends one check-back on every connection. */
  send(): void {
    for (const connection of this.#connections) {
      connection.push(this.#frame());
      connection.flush().catch(() => this.#connections.delete(connection));
    }
  }

  #frame(): Uint8Array {
    const id = (2 ** 40 + this.#offset).toString(16).padStart(32, "0").toUpperCase();
    const offsets = {
      tranStateTableOffset: BigInt(this.#offset / 256),
      commitLogOffset: BigInt(this.#offset += 256),
    };
    const message = encodeStoredMessage({
      topic: "topic_0",
      body: new Uint8Array(128),
      sysFlag: SysFlag.TransactionPrepared,
      queueOffset: offsets.tranStateTableOffset,
      commitLogOffset: offsets.commitLogOffset,
      properties: {
        [MessageProperty.UniqueKey]: id,
        [MessageProperty.ProducerGroup]: "bench_flat",
        [MessageProperty.TransactionPrepared]: "true",
        [MessageProperty.TransactionCheckTimes]: "1",
      },
    });
    const header = { ...offsets, msgId: id, transactionId: id };
    const request = createCheckTransactionStateRequest(header, message);
    return encodeCommand(createRequest(request, this.#offset, true));
  }
}

/** The number behind an option of this program. */
function readOption(name: string): number | undefined {
  const at = Deno.args.indexOf(name);
  return at < 0 ? undefined : Number(Deno.args[at + 1]);
}

if (import.meta.main) {
  const brokers = readOption("--brokers") ?? 1, interval = readOption("--check-interval");
  const checks = new CheckSender();
  const onRequest = (request: SeenRequest, connection: ResponderConnection) =>
    checks.see(request, connection);
  const options = interval === undefined ? {} : { onRequest };
  console.log(new Responder({ brokers, queues: 8, ...options }).nameServer);
  const timer = interval === undefined ? undefined : setInterval(() => checks.send(), interval);
  await endWithInput();
  clearInterval(timer);
}
