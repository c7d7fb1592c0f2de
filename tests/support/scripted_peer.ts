import {
  CLIENT_VERSION,
  createRequest,
  createResponse,
  encodeCommand,
  FrameDecoder,
  isOneway,
  isResponse,
  type RemotingCommand,
  type RemotingRequest,
} from "../../src/remoting/mod.ts";

/** What a server does with the bytes of one connection. */
export interface Wire {
  /** Sends bytes to the client. */
  send(bytes: Uint8Array): void;
  /** Ends the connection in an orderly way. */
  end(): void;
  /** Breaks the connection. */
  reset(): void;
}

/** What a response says. */
export interface Reply {
  /** @default {0} */
  code?: number;
  remark?: string;
  extFields?: Record<string, string>;
  body?: Uint8Array;
}

/** How a server reacts to a request: with a reply, or with silence when it gives none. */
export type Reaction = (
  command: RemotingCommand,
  connection: ScriptedConnection,
) => Reply | undefined | void | Promise<Reply | undefined | void>;

/** A reaction: nothing is answered. */
export const silence: Reaction = () => {};

/** A connection as the server sees it. */
export class ScriptedConnection {
  /** Requests that came on it. */
  readonly requests: RemotingCommand[] = [];
  /** Responses of the client to requests of this server. */
  readonly responses: RemotingCommand[] = [];
  readonly #wire: Wire;
  readonly #decoder = new FrameDecoder();
  readonly #peer: ScriptedPeer;
  #opaque = 1_000_000;
  #isOpen = true;

  constructor(peer: ScriptedPeer, wire: Wire) {
    this.#peer = peer;
    this.#wire = wire;
    peer.connections.push(this);
  }

  /** Whether neither side has ended it. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** To be called with the bytes that the client wrote. */
  take(bytes: Uint8Array): void {
    for (const command of this.#decoder.push(bytes)) {
      if (isResponse(command)) this.responses.push(command);
      else {
        this.requests.push(command);
        this.#peer.onRequest(command, this);
        this.#react(command);
      }
    }
  }

  /** To be called when the client has closed. */
  closedByClient(): void {
    this.#isOpen = false;
  }

  /** Sends a request, as a broker asks back. Gives its number. */
  request(request: RemotingRequest, { oneway = true } = {}): number {
    const opaque = this.#opaque++;
    this.send(encodeCommand(createRequest(request, opaque, oneway)));
    return opaque;
  }

  /** Answers a request. */
  respond(command: RemotingCommand, reply: Reply = {}): void {
    const { version } = this.#peer;
    this.send(encodeCommand({ ...createResponse(command, reply), version }));
  }

  /** Sends any bytes. */
  send(bytes: Uint8Array): void {
    if (this.#isOpen) this.#wire.send(bytes);
  }

  /** Ends it in an orderly way. */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#wire.end();
  }

  /** Breaks it. */
  reset(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#wire.reset();
  }

  async #react(command: RemotingCommand): Promise<void> {
    const reaction = this.#peer.reactionTo(command);
    if (!reaction) throw new Error(`No reaction to request ${command.code} was scripted`);
    const answer = reaction(command, this);
    const reply = answer instanceof Promise ? await answer : answer;
    if (reply && !isOneway(command)) this.respond(command, reply);
  }
}

/** A server whose reactions a test scripts, request by request. It knows nothing of transports. */
export class ScriptedPeer {
  /** Every connection that was made to it. */
  readonly connections: ScriptedConnection[] = [];
  /** What its responses say of its release. */
  version: number = CLIENT_VERSION;
  readonly #standing = new Map<number, Reaction>();
  readonly #next = new Map<number, Reaction[]>();

  /** Called with each request before it is reacted to. */
  onRequest(_command: RemotingCommand, _connection: ScriptedConnection): void {}

  /** Sets how it reacts to requests of a code from now on. */
  on(code: number, reaction: Reaction): this {
    this.#standing.set(code, reaction);
    return this;
  }

  /** Sets how it reacts to the next requests of a code, one reaction for each. */
  once(code: number, ...reactions: Reaction[]): this {
    const queue = this.#next.get(code) ?? [];
    this.#next.set(code, [...queue, ...reactions]);
    return this;
  }

  /** The reaction to a request; it is used up if it was for one request. */
  reactionTo(command: RemotingCommand): Reaction | undefined {
    return this.#next.get(command.code)?.shift() ?? this.#standing.get(command.code);
  }

  /** The requests of a code that came, over all connections. */
  requests(code: number): RemotingCommand[] {
    return this.connections.flatMap(({ requests }) => requests.filter((r) => r.code === code));
  }

  /** Connections that are open. */
  get open(): ScriptedConnection[] {
    return this.connections.filter((connection) => connection.isOpen);
  }

  /** The newest open connection. */
  get connection(): ScriptedConnection {
    const newest = this.open.at(-1);
    if (!newest) throw new Error("No client is connected");
    return newest;
  }

  /** Breaks all connections. */
  cut(): void {
    for (const connection of this.open) connection.reset();
  }
}
