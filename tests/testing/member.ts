import { systemClock } from "../../src/clock.ts";
import { decodeMessages, type MessageExt, parseOffsetMessageId } from "../../src/message/mod.ts";
import type { RemotingCommand, RemotingRequest } from "../../src/remoting/mod.ts";
import {
  CommitOrRollback,
  createHeartbeatRequest,
  readCheckTransactionStateRequest,
  readSendMessageResponse,
} from "../../src/requests/mod.ts";
import { parseAddress } from "../../src/route/mod.ts";
import type { EmbeddedBroker } from "../../src/testing/mod.ts";
import { connect, type Connection, type Dialer } from "../../src/transport/mod.ts";
import { propertyString, sendHeader } from "../conformance/steps.ts";
import { utf8 } from "../remoting/frames.ts";
import { createEndTransactionRequest, createSendMessageRequest } from "../support/requests.ts";
import { silentWarnings } from "../support/test_client.ts";

/** A check-back that a member got. */
export interface MemberCheck {
  /** How the verdict names the half message. */
  handle: { queueOffset: bigint; commitLogOffset: bigint };
  /** How often the broker has asked. */
  checkTimes: number;
  /** The message. */
  message: MessageExt;
}

/** A member of a producer group over one connection, as little of a client as these tests need. */
export class Member implements Disposable {
  /** The check-backs that it got, in order. */
  readonly checks: MemberCheck[] = [];
  readonly #group: string;
  readonly #address: string;
  #connection: Connection | undefined;

  private constructor(group: string, address: string) {
    this.#group = group;
    this.#address = address;
  }

  /** Connects to a broker, in memory unless a dialer is given, and registers with a heartbeat. */
  static async join(
    broker: EmbeddedBroker,
    group: string,
    { dialer = broker.dialer, index = 0 }: { dialer?: Dialer; index?: number } = {},
  ): Promise<Member> {
    const { address } = broker.brokers[index]!;
    const member = new Member(group, address);
    member.#connection = await connect({
      ...parseAddress(address),
      ...{ address, dialer, clock: systemClock, warnings: silentWarnings, timeout: 3_000 },
      handlers: new Map([[39, (command) => void member.#take(command)]]),
    });
    await member.heartbeat();
    return member;
  }

  /** The connection. */
  get connection(): Connection {
    return this.#connection!;
  }

  /** Sends a heartbeat. */
  async heartbeat(): Promise<void> {
    await this.ask(createHeartbeatRequest({
      clientId: "127.0.0.1@member",
      producerGroups: [this.#group],
    }));
  }

  /** Sends a request and gives the response, whatever its code is. */
  ask(request: RemotingRequest, timeout = 5_000): Promise<RemotingCommand> {
    return this.connection.request(request, { timeout });
  }

  /** Sends a message, and gives the response. */
  send(
    topic: string,
    { properties = {}, body = "body", timeout = 5_000, bornTimestamp = Date.now() }: {
      properties?: Record<string, string>;
      body?: string | Uint8Array;
      timeout?: number;
      bornTimestamp?: number;
    } = {},
  ): Promise<RemotingCommand> {
    const header = sendHeader({
      topic,
      defaultTopicQueueNums: 1,
      bornTimestamp: BigInt(bornTimestamp),
      properties: propertyString(properties),
    });
    const bytes = typeof body === "string" ? utf8(body) : body;
    return this.ask(createSendMessageRequest(header, bytes), timeout);
  }

  /** Sends a half message with this unique key, and gives how a verdict names it. */
  async sendHalf(
    topic: string,
    key: string,
    { properties = {}, bornTimestamp = Date.now() }: {
      properties?: Record<string, string>;
      bornTimestamp?: number;
    } = {},
  ): Promise<MemberCheck["handle"]> {
    const own = { UNIQ_KEY: key, TRAN_MSG: "true", PGROUP: this.#group, WAIT: "true" };
    const response = await this.send(topic, {
      properties: { ...own, ...properties },
      bornTimestamp,
    });
    const answer = readSendMessageResponse(response, { address: this.#address });
    const { offset } = parseOffsetMessageId(answer.offsetMessageId);
    return { queueOffset: answer.queueOffset, commitLogOffset: offset };
  }

  /** Gives a verdict, and gives the response code. */
  async decide(
    { queueOffset, commitLogOffset }: MemberCheck["handle"],
    verdict: "Commit" | "Rollback",
    fromTransactionCheck = false,
  ): Promise<number> {
    const { code } = await this.ask(createEndTransactionRequest({
      producerGroup: this.#group,
      tranStateTableOffset: queueOffset,
      commitLogOffset,
      fromTransactionCheck,
      commitOrRollback: CommitOrRollback[verdict],
    }));
    return code;
  }

  [Symbol.dispose](): void {
    this.connection.close();
  }

  async #take(command: RemotingCommand): Promise<void> {
    const { tranStateTableOffset, commitLogOffset } = readCheckTransactionStateRequest(command);
    const [message] = await decodeMessages(command.body);
    this.checks.push({
      handle: { queueOffset: tranStateTableOffset, commitLogOffset },
      checkTimes: Number(message!.properties.TRANSACTION_CHECK_TIMES),
      message: message!,
    });
  }
}
