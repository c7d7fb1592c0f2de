import type { Clock, TimerHandle } from "../../clock.ts";
import {
  encodeCommand,
  isOneway,
  isResponse,
  LanguageCode,
  nextOpaque,
  ONEWAY_FLAG,
  type RemotingCommand,
  type RemotingRequest,
  RESPONSE_FLAG,
  type SerializeType,
} from "../../remoting/internal.ts";
import type { Transport } from "../../transport/mod.ts";
import type { FaultTable } from "../faults/faults.ts";
import { type FaultRule, isCarriedOut } from "../faults/fault_rule.ts";
import type { Counters } from "../stats.ts";
import { type Answer, answerOfFailure, answerToUnknown, type Handlers } from "./answer.ts";
import { AwaitedResponses } from "./awaited_responses.ts";
import { ServerConnection } from "./server_connection.ts";

/** Version ordinal of RocketMQ 5.5.0. */
const SERVER_VERSION = 513;

/** How a {@linkcode Server} is made. */
export interface ServerOptions {
  /** Its name, by which faults mean it. */
  name: string;
  /** Time of delays. */
  clock: Clock;
  /** The faults of the whole cluster. */
  faults: FaultTable;
  /** Form of the headers that it writes. */
  serializeType: SerializeType;
  /** What it carries out. */
  handlers: Handlers;
  /** Where requests and connections are counted. */
  counters: Counters;
  /** Is told of each connection that is over. */
  onEnd?(connection: ServerConnection): void;
}

/** Gives an answer back to whoever waits for it, or does not. */
type Deliver = (response: RemotingCommand) => void;

/** Takes requests from its connections, carries them out and answers, with the faults in between. */
export class Server {
  readonly #options: ServerOptions;
  readonly #connections = new Set<ServerConnection>();
  readonly #timers = new Set<TimerHandle>();
  readonly #awaited: AwaitedResponses;
  #opaque = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#awaited = new AwaitedResponses(options.clock);
  }

  /** The connections that are open. */
  get connections(): ReadonlySet<ServerConnection> {
    return this.#connections;
  }

  /** Takes a connection. */
  accept(transport: Transport, remote: string): void {
    const connection = new ServerConnection({
      transport,
      remote,
      clock: this.#options.clock,
      onCommand: (command) => this.#receive(command, connection),
      onEnd: () => {
        this.#connections.delete(connection);
        this.#awaited.forget(connection);
        this.#options.onEnd?.(connection);
      },
    });
    this.#connections.add(connection);
    this.#options.counters.connectionsOpened++;
  }

  /** Ends all connections, and what faults hold back. Resolves when nothing of them goes on. */
  async disconnect(): Promise<void> {
    for (const timer of this.#timers) this.#options.clock.clearTimer(timer);
    this.#timers.clear();
    const connections = [...this.#connections];
    for (const connection of connections) connection.close();
    await Promise.all(connections.map(({ finished }) => finished));
  }

  /** Sends a request of the server's own that no answer is awaited to. */
  sendRequest(request: RemotingRequest, connection: ServerConnection): void {
    this.#push(request, connection, ONEWAY_FLAG);
  }

  /**
   * Sends a request of the server's own and gives the client's answer; nothing when none came within
   * `timeout` milliseconds or before the end of the connection.
   */
  ask(
    request: RemotingRequest,
    connection: ServerConnection,
    timeout: number,
  ): Promise<RemotingCommand | undefined> {
    const answer = this.#awaited.expect(connection, nextOpaque(this.#opaque), timeout);
    this.#push(request, connection, 0);
    return answer;
  }

  #push(request: RemotingRequest, connection: ServerConnection, flag: number): void {
    this.#opaque = nextOpaque(this.#opaque);
    const command = this.#command({ ...request, opaque: this.#opaque, flag });
    const rule = this.#options.faults.take(this.#options.name, command);
    if (!rule) return connection.send(encodeCommand(command));
    if (rule.action === "delay") {
      this.#later(rule.ms, () => connection.send(encodeCommand(command)));
    }
    if (rule.action === "cut") void connection.sendLast(cut(command, rule.bytes));
    if (rule.action === "close") connection.close();
  }

  #receive(request: RemotingCommand, connection: ServerConnection): void {
    if (isResponse(request)) return this.#awaited.settle(connection, request);
    this.#options.counters.requests++;
    const rule = this.#options.faults.take(this.#options.name, request);
    const deliver: Deliver = (response) => connection.send(encodeCommand(response));
    if (!rule) this.#carryOut(request, connection, deliver);
    else this.#fail(rule, request, connection, deliver);
  }

  #fail(
    rule: FaultRule,
    request: RemotingCommand,
    connection: ServerConnection,
    deliver: Deliver,
  ): void {
    if (rule.action === "delay") {
      return this.#later(rule.ms, () => this.#carryOut(request, connection, deliver));
    }
    const end = {
      drop: () => {},
      close: () => connection.close(),
      cut: (response: RemotingCommand) =>
        void connection.sendLast(cut(response, rule.action === "cut" ? rule.bytes : undefined)),
      answer: () => {
        if (rule.action === "answer") deliver(this.#respond(request, rule));
      },
    }[rule.action];
    if (isCarriedOut(rule)) this.#carryOut(request, connection, end, true);
    else end(this.#respond(request, {}));
  }

  /** With `always` also those are delivered that want no answer, for a fault to happen in its place. */
  #carryOut(
    request: RemotingCommand,
    connection: ServerConnection,
    deliver: Deliver,
    always = false,
  ): void {
    const finish = (answer: Answer | undefined) => {
      const isAnswered = answer !== undefined && !isOneway(request);
      if (always || isAnswered) deliver(this.#respond(request, answer ?? {}));
    };
    const handler = this.#options.handlers.get(request.code);
    if (!handler) return finish(answerToUnknown(request));
    try {
      const answer = handler(request, connection);
      if (answer instanceof Promise) {
        answer.then(finish).catch((cause) => finish(answerOfFailure(cause)));
      } else finish(answer);
    } catch (cause) {
      finish(answerOfFailure(cause));
    }
  }

  #respond(request: RemotingCommand, answer: Answer): RemotingCommand {
    return this.#command({ code: 0, ...answer, opaque: request.opaque, flag: RESPONSE_FLAG });
  }

  #command(fields: Answer & { opaque: number; flag: number }): RemotingCommand {
    const { code = 0, remark, extFields = {}, body = new Uint8Array(0), opaque, flag } = fields;
    return {
      code,
      language: LanguageCode.JAVA,
      version: SERVER_VERSION,
      opaque,
      flag,
      ...(remark === undefined ? {} : { remark }),
      extFields,
      body,
      serializeType: this.#options.serializeType,
    };
  }

  #later(delay: number, action: () => void): void {
    const timer = this.#options.clock.setTimer(() => {
      this.#timers.delete(timer);
      action();
    }, delay);
    this.#timers.add(timer);
  }
}

/** The first bytes of a frame: half of it unless `bytes` says how many, and never all of it. */
function cut(command: RemotingCommand, bytes?: number): Uint8Array {
  const frame = encodeCommand(command);
  return frame.subarray(0, Math.min(bytes ?? frame.length >>> 1, frame.length - 1));
}
