import type { ClientNamespace } from "../access/mod.ts";
import { describe, InvalidStateError, printable, ProtocolError } from "../errors.ts";
import type { ThrottledLogger } from "../logger.ts";
import {
  crc32,
  decodeProperties,
  type MessageExt,
  MessageProperty,
  openStoredMessage,
  parseSocketAddress,
} from "../message/internal.ts";
import { type RemotingCommand, ResponseCode } from "../remoting/mod.ts";
import { type PushReplyMessageHeader, readPushReplyMessageRequest } from "../requests/mod.ts";
import type { Connection, ServerRequestAnswer } from "../transport/mod.ts";

/** A reply that a request waits for. */
interface ExpectedReply {
  /** The reply, when it has come. */
  readonly message: Promise<MessageExt>;
  /** Waits no longer. */
  forget(): void;
}

/** A request that waits for its reply. */
interface WaitingRequest extends PromiseWithResolvers<MessageExt> {
  /** `true` if a reply to it is being opened. Others are dropped then, so peers can't pile them up. */
  isOpening: boolean;
}

/** The replies that this client waits for, by correlation id. */
export class Replies {
  readonly #warnings: ThrottledLogger;
  readonly #namespace: ClientNamespace | undefined;
  readonly #waiting = new Map<string, WaitingRequest>();

  constructor(warnings: ThrottledLogger, namespace?: ClientNamespace) {
    this.#warnings = warnings;
    this.#namespace = namespace;
  }

  /** Waits for the reply to a request. */
  expect(correlationId: string): ExpectedReply {
    const waiting = { ...Promise.withResolvers<MessageExt>(), isOpening: false };
    waiting.promise.catch(() => {});
    this.#waiting.set(correlationId, waiting);
    return { message: waiting.promise, forget: () => this.#waiting.delete(correlationId) };
  }

  /**
   * Takes a reply that a broker passes on. One that nobody waits for is dropped before it is
   * decompressed, because such replies could keep this client busy.
   */
  async take(
    command: RemotingCommand,
    { address }: Pick<Connection, "address">,
  ): Promise<ServerRequestAnswer> {
    let waiting: WaitingRequest | undefined;
    try {
      const header = readPushReplyMessageRequest(command, { address });
      const properties = decodeProperties(header.properties ?? "");
      const correlationId = properties[MessageProperty.CorrelationId] ?? "";
      waiting = this.#waiting.get(correlationId);
      if (!waiting) {
        const id = printable(correlationId, 64);
        this.#warnings.warn(
          "nobody waits for it",
          `Dropped a reply from ${address}: nobody waits for "${id}" any more`,
        );
        return { code: ResponseCode.SUCCESS };
      }
      if (waiting.isOpening) {
        waiting = undefined;
        throw new ProtocolError("another reply to the same request is being read");
      }
      waiting.isOpening = true;
      const reply = await openReply(header, properties, command.body);
      if (this.#namespace) reply.topic = this.#namespace.unwrap(reply.topic);
      waiting.resolve(reply);
      return { code: ResponseCode.SUCCESS };
    } catch (error) {
      const remark = `the reply can't be read: ${describe(error)}`;
      this.#warnings.warn("a reply can't be read", `Ignored a reply from ${address}: ${remark}`);
      return { code: ResponseCode.SYSTEM_ERROR, remark };
    } finally {
      if (waiting) waiting.isOpening = false;
    }
  }

  /** Fails all requests that wait, because the client is closed. */
  close(): void {
    for (const { reject } of this.#waiting.values()) {
      reject(new InvalidStateError("Cannot wait for a reply: the producer was shut down"));
    }
    this.#waiting.clear();
  }
}

/** Opens a reply. Replies are passed on without being stored, so offsets and ids are empty. */
async function openReply(
  header: PushReplyMessageHeader,
  properties: Record<string, string>,
  body: Uint8Array,
): Promise<MessageExt> {
  return await openStoredMessage({
    version: 1,
    storeSize: 0,
    bodyCrc: crc32(body),
    queueId: header.queueId,
    flag: header.flag,
    queueOffset: 0n,
    commitLogOffset: 0n,
    sysFlag: header.sysFlag,
    bornTimestamp: Number(header.bornTimestamp),
    bornHost: readHost(header.bornHost),
    storeTimestamp: Number(header.storeTimestamp),
    storeHost: readHost(header.storeHost),
    reconsumeTimes: header.reconsumeTimes ?? 0,
    preparedTransactionOffset: 0n,
    body,
    topic: header.topic,
    properties,
  });
}

/**
 * Reads the address of a host that is only shown. Brokers write IPv6 without brackets here, and those
 * up to 4.9.3 write Java's `name/ip:port`. Anything else becomes `0.0.0.0:0`, so that no reply is lost
 * because of it.
 */
function readHost(text: string): string {
  const address = text.slice(text.lastIndexOf("/") + 1).slice(0, 128);
  const match = /^([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[\w.-]+)?):(\d+)$/.exec(address);
  const bracketed = match ? `[${match[1]}]:${match[2]}` : address;
  return parseSocketAddress(bracketed) ? bracketed : "0.0.0.0:0";
}
