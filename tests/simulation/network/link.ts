import type { Random } from "../../fuzz/random.ts";
import {
  decodeCommand,
  encodeCommand,
  isResponse,
  type RemotingCommand,
} from "../../../src/remoting/mod.ts";
import type { Transport } from "../../../src/transport/mod.ts";
import type { BreakPoint } from "../plan.ts";
import type { Scheduler } from "../scheduler.ts";
import { Lane, type LaneQuality } from "./lane.ts";

/** A connection, as a server has it. */
export interface ServerEnd {
  /** Number of the connection. */
  readonly id: number;
  /** Name of the client. */
  readonly member: string;
  /** `host:port` of the client, where it has one. */
  readonly address?: string;
  /** Whether bytes can still travel. */
  readonly isOpen: boolean;
  /** Sends a frame to the client. */
  send(command: RemotingCommand): void;
  /** Breaks the connection. */
  reset(): void;
}

/** A server, as the network sees it. */
export interface SimServer {
  /** `host:port` */
  readonly address: string;
  /** A frame has arrived whole. */
  receive(link: ServerEnd, command: RemotingCommand): void;
  /** The connection is over. */
  unlinked(link: ServerEnd): void;
}

/** What is looked at on the client's end of a connection. */
export interface LinkObserver {
  /** The client handed a frame to its socket. Tells where the connection is to break, if it is. */
  wrote(link: Link, command: RemotingCommand): BreakPoint | undefined;
  /** The last byte of a frame from the server reached the client. */
  got(link: Link, command: RemotingCommand): void;
  /** The connection is over. */
  unlinked(link: Link, by: "client" | "fault"): void;
}

/** The other end has broken the connection. */
class ConnectionReset extends Error {
  override name = "ConnectionReset";
}

/** A connection in memory: a client's transport on one end, a server on the other. */
export class Link implements ServerEnd {
  /** Number of the connection. */
  readonly id: number;
  /** Name of the client. */
  readonly member: string;
  /** The server. */
  readonly server: SimServer;
  /** What the client gets from its dialer. */
  readonly transport: Transport;

  readonly #scheduler: Scheduler;
  readonly #observer: LinkObserver;
  readonly #toServer: Lane;
  readonly #toClient: Lane;
  readonly #inbound: { end: number; command: RemotingCommand }[] = [];
  readonly #outbound: { start: number; bytes: Uint8Array; command: RemotingCommand }[] = [];
  readonly #breakReplies = new Set<number>();
  #incoming!: ReadableStreamDefaultController<Uint8Array>;
  #isOpen = true;
  /** The client is gone, and what it wrote last still arrives. */
  #isLingering = false;
  #isClientFrozen = false;
  #resetWhileFrozen = false;

  constructor(
    options: {
      id: number;
      member: string;
      server: SimServer;
      scheduler: Scheduler;
      random: Random;
      quality: LaneQuality;
      observer: LinkObserver;
    },
  ) {
    const { id, member, server, scheduler, random, quality, observer } = options;
    this.id = id;
    this.member = member;
    this.server = server;
    this.#scheduler = scheduler;
    this.#observer = observer;
    const broke = () => this.reset();
    this.#toServer = new Lane(scheduler, random, quality, true, {
      arrived: (_from, to) => this.#arriveAtServer(to),
      broke,
    });
    this.#toClient = new Lane(scheduler, random, quality, true, {
      arrived: (from, to) => this.#arriveAtClient(from, to),
      broke,
    });
    this.transport = {
      readable: new ReadableStream({ start: (controller) => void (this.#incoming = controller) }),
      writable: new WritableStream({ write: (bytes) => this.#write(bytes) }),
      localHost: "10.0.0.1",
      close: () => this.#close(),
    };
  }

  /** Whether bytes can still travel. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Both directions, to make them slow: to the server, and from it. */
  get lanes(): readonly [toServer: Lane, toClient: Lane] {
    return [this.#toServer, this.#toClient];
  }

  /** Sends a frame to the client. */
  send(command: RemotingCommand): void {
    if (!this.#isOpen) return;
    const bytes = encodeCommand(command), start = this.#toClient.sent;
    this.#outbound.push({ start, bytes, command });
    if (isResponse(command) && this.#breakReplies.delete(command.opaque)) {
      this.#toClient.breakAt(start + (bytes.length >> 1));
    }
    this.#toClient.send(bytes.length);
  }

  /** Lets nothing through in either direction, until {@linkcode Link.release}. */
  hold(): void {
    for (const lane of this.lanes) lane.hold();
  }

  /** Lets everything through again. */
  release(): void {
    for (const lane of this.lanes) lane.release();
  }

  /** Breaks the connection, as a RST does. Must be called within an event that reaches a client. */
  reset(): void {
    if (this.#isLingering) this.#leave();
    if (!this.#isOpen) return;
    this.#finish("fault");
    if (this.#isClientFrozen) this.#resetWhileFrozen = true;
    else this.#breakIncoming();
    this.server.unlinked(this);
  }

  /**
   * Ends both directions without a word to the client, which is no more.
   *
   * @param flushes Whether what it wrote still arrives.
   */
  abandon(flushes: boolean): void {
    if (!this.#isOpen) return;
    this.#isLingering = flushes && this.#toServer.isSwift && !this.#toServer.isEmpty;
    this.#finish("fault");
    if (!this.#isLingering) this.server.unlinked(this);
  }

  /** The client's process stands still: nothing reaches it. */
  freezeClient(): void {
    this.#isClientFrozen = true;
    this.#toClient.hold();
  }

  /** The client's process goes on. */
  thawClient(): void {
    this.#isClientFrozen = false;
    if (this.#resetWhileFrozen) this.#scheduler.wake(0, () => this.#breakIncoming());
    this.#toClient.release();
  }

  /** Whether the server still gets what arrives. */
  get #isRead(): boolean {
    return this.#isOpen || this.#isLingering;
  }

  #breakIncoming(): void {
    this.#incoming.error(new ConnectionReset("Connection reset by peer (os error 104)"));
  }

  #write(bytes: Uint8Array): void {
    if (!this.#isOpen) throw new ConnectionReset("Broken pipe (os error 32)");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let start = 0; start < bytes.length;) {
      const end = start + 4 + view.getUint32(start);
      const command = decodeCommand(bytes.slice(start, end));
      this.#inbound.push({ end: this.#toServer.sent + end, command });
      const where = this.#observer.wrote(this, command);
      const place = this.#toServer.sent + start;
      if (where === "before") this.#toServer.breakAt(place);
      else if (where === "within") this.#toServer.breakAt(place + ((end - start) >> 1));
      else if (where === "after") this.#toServer.breakAt(place + end - start);
      else if (where === "reply") this.#breakReplies.add(command.opaque);
      start = end;
    }
    this.#toServer.send(bytes.length);
  }

  #arriveAtServer(to: number): void {
    while (this.#isRead && this.#inbound.length > 0 && this.#inbound[0]!.end <= to) {
      this.server.receive(this, this.#inbound.shift()!.command);
    }
    if (this.#isLingering && this.#toServer.isEmpty) this.#leave();
  }

  /** The server has all that it gets of a client that is no more. */
  #leave(): void {
    this.#isLingering = false;
    this.#toServer.end();
    this.server.unlinked(this);
  }

  #arriveAtClient(from: number, to: number): void {
    while (from < to) {
      const { start, bytes, command } = this.#outbound[0]!;
      const end = Math.min(to, start + bytes.length);
      if (end === start + bytes.length) {
        this.#outbound.shift();
        this.#observer.got(this, command);
      }
      this.#incoming.enqueue(bytes.subarray(from - start, end - start));
      from = end;
    }
  }

  #close(): void {
    if (!this.#isOpen) return;
    const delay = this.#toServer.quality.latency;
    this.#finish("client");
    try {
      this.#incoming.close();
    } catch {
      // The client cancelled it before.
    }
    this.#scheduler.after(delay, () => this.server.unlinked(this));
  }

  #finish(by: "client" | "fault"): void {
    this.#isOpen = false;
    for (const lane of this.lanes) if (!(this.#isLingering && lane === this.#toServer)) lane.end();
    this.#observer.unlinked(this, by);
  }
}
