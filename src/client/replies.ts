import type { ClientNamespace } from "../access/mod.ts";
import { describe, InvalidStateError, printable } from "../errors.ts";
import type { ThrottledLogger } from "../logger.ts";
import {
  crc32,
  decodeProperties,
  type MessageExt,
  MessageProperty,
  openStoredMessage,
} from "../message/mod.ts";
import { type RemotingCommand, ResponseCode } from "../remoting/mod.ts";
import { readPushReplyMessageRequest } from "../requests/mod.ts";
import type { Connection, ServerRequestAnswer } from "../transport/mod.ts";

/** A reply that someone waits for. */
export interface ExpectedReply {
  /** The reply, when it has come. */
  readonly message: Promise<MessageExt>;
  /** Waits no longer. */
  forget(): void;
}

/** The replies that this client waits for, by correlation id. */
export class Replies {
  readonly #warnings: ThrottledLogger;
  readonly #namespace: ClientNamespace | undefined;
  readonly #waiting = new Map<string, PromiseWithResolvers<MessageExt>>();

  constructor(warnings: ThrottledLogger, namespace?: ClientNamespace) {
    this.#warnings = warnings;
    this.#namespace = namespace;
  }

  /** Waits for the reply to a request. */
  expect(correlationId: string): ExpectedReply {
    const waiting = Promise.withResolvers<MessageExt>();
    waiting.promise.catch(() => {});
    this.#waiting.set(correlationId, waiting);
    return { message: waiting.promise, forget: () => this.#waiting.delete(correlationId) };
  }

  /** Takes a reply that a broker passes on. One that nobody waits for any more is dropped. */
  async take(command: RemotingCommand, connection: Connection): Promise<ServerRequestAnswer> {
    try {
      const reply = await openReply(command, connection.address);
      if (this.#namespace) reply.topic = this.#namespace.unwrap(reply.topic);
      const correlationId = reply.properties[MessageProperty.CorrelationId] ?? "";
      const waiting = this.#waiting.get(correlationId);
      if (waiting) waiting.resolve(reply);
      else {
        this.#warnings.warn(
          "nobody waits for it",
          `Dropped a reply from ${connection.address}: nobody waits for "${
            printable(correlationId, 64)
          }" any more`,
        );
      }
      return { code: ResponseCode.SUCCESS };
    } catch (error) {
      const remark = `the reply can't be read: ${describe(error)}`;
      this.#warnings.warn(
        "a reply can't be read",
        `Ignored a reply from ${connection.address}: ${remark}`,
      );
      return { code: ResponseCode.SYSTEM_ERROR, remark };
    }
  }

  /** Fails everything that waits: the client is closed. */
  close(): void {
    for (const { reject } of this.#waiting.values()) {
      reject(new InvalidStateError("Cannot wait for a reply: the producer was shut down"));
    }
    this.#waiting.clear();
  }
}

/** A reply was never stored when it is passed on: it has no position and no id of one. */
async function openReply(command: RemotingCommand, address: string): Promise<MessageExt> {
  const { topic, queueId, flag, sysFlag, ...header } = readPushReplyMessageRequest(command, {
    address,
  });
  return await openStoredMessage({
    version: 1,
    storeSize: 0,
    bodyCrc: crc32(command.body),
    queueId,
    flag,
    queueOffset: 0n,
    commitLogOffset: 0n,
    sysFlag,
    bornTimestamp: Number(header.bornTimestamp),
    bornHost: bracketed(header.bornHost),
    storeTimestamp: Number(header.storeTimestamp),
    storeHost: bracketed(header.storeHost),
    reconsumeTimes: header.reconsumeTimes ?? 0,
    preparedTransactionOffset: 0n,
    body: command.body,
    topic,
    properties: decodeProperties(header.properties ?? ""),
  });
}

/** `host:port` with an IPv6 host in brackets, which brokers leave out here. */
function bracketed(address: string): string {
  const match = /^([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*):(\d+)$/.exec(address);
  return match ? `[${match[1]}]:${match[2]}` : address;
}
