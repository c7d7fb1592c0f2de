import { parseAddress } from "../../src/route/mod.ts";
import {
  encodeCommand,
  FrameDecoder,
  isResponse,
  type RemotingCommand,
  type RemotingRequest,
} from "../../src/remoting/mod.ts";
import { command } from "../remoting/frames.ts";

/** How a request is sent. */
export interface AskOptions {
  /** Form of the header. */
  serializeType?: "JSON" | "ROCKETMQ";
  /** Version of the client. */
  version?: number;
}

/** How long anything is waited for, in milliseconds. */
const PATIENCE = 30_000;

/**
 * One connection to a server that says exactly what it is told to and keeps all that comes: a client
 * in the least, so that nothing of the client under test is between a case and the broker.
 */
export class Peer implements AsyncDisposable {
  /** Requests that the server sent, in order, until they are taken. */
  readonly received: RemotingCommand[] = [];
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>;
  readonly #conn: Deno.TcpConn;
  readonly #responses = new Map<number, (response: RemotingCommand) => void>();
  #wake: (() => void) | undefined;
  #opaque = 0;

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    this.closed = this.#read();
  }

  /** Connects to `host:port`. */
  static async connect(address: string): Promise<Peer> {
    const { host, port } = parseAddress(address);
    return new Peer(await Deno.connect({ hostname: host, port }));
  }

  /** `host:port` of this end. */
  get address(): string {
    const { hostname, port } = this.#conn.localAddr as Deno.NetAddr;
    return `${hostname}:${port}`;
  }

  /** Sends a request and gives the response, whatever its code is. */
  async ask(request: RemotingRequest, options: AskOptions = {}): Promise<RemotingCommand> {
    const response = await this.askBriefly(request, PATIENCE, options);
    if (response) return response;
    throw new Error(`Cannot get an answer to request ${request.code} within ${PATIENCE} ms`);
  }

  /** Sends a request and gives the response, or nothing when none came within `timeout`. */
  async askBriefly(
    request: RemotingRequest,
    timeout: number,
    options: AskOptions = {},
  ): Promise<RemotingCommand | undefined> {
    const opaque = ++this.#opaque;
    const { promise, resolve } = Promise.withResolvers<RemotingCommand | undefined>();
    this.#responses.set(opaque, resolve);
    const timer = setTimeout(() => resolve(undefined), timeout);
    await this.#send(request, { ...options, opaque });
    const response = await Promise.race([promise, this.closed.then(() => undefined)]);
    clearTimeout(timer);
    this.#responses.delete(opaque);
    return response;
  }

  /** Sends a request that wants no response. */
  async tell(request: RemotingRequest): Promise<void> {
    await this.#send(request, { opaque: ++this.#opaque, flag: 2 });
  }

  /** Answers a request of the server. */
  async answer({ opaque }: RemotingCommand, code: number): Promise<void> {
    await this.write(encodeCommand(command({ code, opaque, flag: 1 })));
  }

  /** Writes bytes as they are. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) done += await this.#conn.write(bytes.subarray(done));
  }

  /** Takes the next request of the server that `fits`. */
  async take(fits: (request: RemotingCommand) => boolean): Promise<RemotingCommand> {
    const taken = await this.takeBriefly(fits, PATIENCE);
    if (taken) return taken;
    throw new Error(`Cannot get a request of the server within ${PATIENCE} ms`);
  }

  /** Takes the next request of the server that `fits`, or nothing when none came in time. */
  async takeBriefly(
    fits: (request: RemotingCommand) => boolean,
    timeout: number,
  ): Promise<RemotingCommand | undefined> {
    const deadline = performance.now() + timeout;
    for (;;) {
      const index = this.received.findIndex(fits);
      if (index >= 0) return this.received.splice(index, 1)[0];
      const left = deadline - performance.now();
      if (left <= 0) return undefined;
      await this.#nextOr(left);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#conn.close();
    } catch {
      // The server was faster.
    }
    await this.closed;
  }

  async #nextOr(timeout: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeout);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }

  async #send(
    { code, extFields = {}, body = new Uint8Array(), remark }: RemotingRequest,
    fields: Partial<RemotingCommand>,
  ): Promise<void> {
    const all = { ...fields, code, extFields, body, ...(remark === undefined ? {} : { remark }) };
    await this.write(encodeCommand(command(all)));
  }

  async #read(): Promise<void> {
    const decoder = new FrameDecoder(), buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const length = await this.#conn.read(buffer);
        if (length === null) break;
        for (const received of decoder.push(buffer.slice(0, length))) this.#take(received);
      }
    } catch {
      // It was closed here, or reset there.
    }
    try {
      this.#conn.close();
    } catch {
      // It was closed here.
    }
    this.#wake?.();
  }

  #take(received: RemotingCommand): void {
    if (isResponse(received)) return this.#responses.get(received.opaque)?.(received);
    this.received.push(received);
    this.#wake?.();
  }
}
