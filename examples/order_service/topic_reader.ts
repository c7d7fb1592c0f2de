import { dialTcp, type Transport } from "@rocketmq-deno/client";
import { decodeMessages, type MessageExt } from "@rocketmq-deno/client/message";
import {
  createRequest,
  encodeCommand,
  type RemotingCommand,
  RemotingCommandDecoderStream,
  type RemotingRequest,
  RequestCode,
  ResponseCode,
} from "@rocketmq-deno/client/remoting";

/** One queue of a topic, and where it is. */
export interface Queue {
  /** `broker:number`. */
  name: string;
  /** `host:port` of the broker. */
  address: string;
  /** Its number on that broker. */
  id: number;
}

/** What was read from a queue at once. */
export interface Batch {
  messages: MessageExt[];
  /** Where the next read begins. */
  nextOffset: bigint;
}

/** Milliseconds that a server may take to answer. */
const TIMEOUT = 5_000;

/** The part of a route that says where queues are. */
interface Route {
  queueDatas: { brokerName: string; readQueueNums: number }[];
  brokerDatas: { brokerName: string; brokerAddrs: Record<string, string> }[];
}

/**
 * Reads topics by the queue, made of the public codec in a hundred lines. The package sends and does
 * not consume: real consumers use a client that does, with groups, rebalancing and retries. What they
 * see is what this sees.
 */
export class TopicReader implements Disposable {
  readonly #nameServer: string;
  readonly #connections = new Map<string, Exchange>();

  /** @param nameServers `host:port`, several with `;` between, of which the first is asked. */
  constructor(nameServers: string) {
    this.#nameServer = nameServers.split(";")[0]!;
  }

  /** The queues of a topic. */
  async queues(topic: string): Promise<Queue[]> {
    const response = await this.#ask(this.#nameServer, {
      code: RequestCode.GET_ROUTEINFO_BY_TOPIC,
      extFields: { topic, acceptStandardJsonOnly: "true" },
    });
    if (response.code === ResponseCode.TOPIC_NOT_EXIST) return [];
    const { queueDatas, brokerDatas }: Route = JSON.parse(
      new TextDecoder().decode(expectSuccess(response).body),
    );
    return queueDatas.flatMap(({ brokerName, readQueueNums }) => {
      const address = brokerDatas.find((it) => it.brokerName === brokerName)?.brokerAddrs["0"];
      return address === undefined ? [] : Array.from({ length: readQueueNums }, (_, id) => ({
        name: `${brokerName}:${id}`,
        address,
        id,
      }));
    });
  }

  /** Reads from an offset on to the end that the queue has now. */
  async *read(topic: string, queue: Queue, offset: bigint): AsyncGenerator<Batch> {
    const fields = { topic, queueId: String(queue.id) };
    const max = expectSuccess(
      await this.#ask(queue.address, { code: RequestCode.GET_MAX_OFFSET, extFields: fields }),
    );
    const end = BigInt(max.extFields.offset ?? "0");
    while (offset < end) {
      const response = await this.#ask(queue.address, {
        code: RequestCode.PULL_MESSAGE,
        extFields: {
          ...fields,
          consumerGroup: "warehouse",
          queueOffset: String(offset),
          maxMsgNums: "32",
          sysFlag: "4", // the subscription is in the request
          commitOffset: "0",
          suspendTimeoutMillis: "0",
          subscription: "*",
          subVersion: "0",
          expressionType: "TAG",
        },
      });
      const messages = response.code === ResponseCode.SUCCESS
        ? await decodeMessages(response.body)
        : [];
      const next = BigInt(response.extFields.nextBeginOffset ?? offset);
      if (next <= offset) throw refusal(response);
      yield { messages, nextOffset: offset = next };
    }
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections.values()) connection.close();
  }

  async #ask(address: string, request: RemotingRequest): Promise<RemotingCommand> {
    let connection = this.#connections.get(address);
    if (!connection) {
      connection = await Exchange.dial(address);
      this.#connections.set(address, connection);
    }
    return await connection.ask(request);
  }
}

/** A connection on which one request at a time is asked. */
class Exchange {
  readonly #transport: Transport;
  readonly #responses: AsyncIterator<RemotingCommand>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #opaque = 0;

  private constructor(transport: Transport) {
    this.#transport = transport;
    this.#writer = transport.writable.getWriter();
    this.#responses = transport.readable.pipeThrough(new RemotingCommandDecoderStream()).values();
  }

  static async dial(address: string): Promise<Exchange> {
    const { hostname, port } = new URL(`tcp://${address}`);
    const signal = AbortSignal.timeout(TIMEOUT);
    return new Exchange(await dialTcp(hostname.replace(/^\[|\]$/g, ""), Number(port), { signal }));
  }

  async ask(request: RemotingRequest): Promise<RemotingCommand> {
    const opaque = ++this.#opaque;
    const timer = setTimeout(() => this.close(), TIMEOUT);
    try {
      await this.#writer.write(encodeCommand(createRequest(request, opaque)));
      for (;;) {
        const { value, done } = await this.#responses.next();
        if (done) throw new Error("The server closed the connection, or did not answer in time");
        if (value.opaque === opaque) return value;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#transport.close();
  }
}

function expectSuccess(response: RemotingCommand): RemotingCommand {
  if (response.code !== ResponseCode.SUCCESS) throw refusal(response);
  return response;
}

function refusal({ code, remark }: RemotingCommand): Error {
  return new Error(`A server answered with code ${code}: ${remark ?? "no remark"}`);
}
