import { decodeProperties, MessageProperty, parseOffsetMessageId } from "../../src/message/mod.ts";
import { isOneway, isResponse, type RemotingCommand, RequestCode } from "../../src/remoting/mod.ts";
import {
  CommitOrRollback,
  endTransactionHeader,
  queryMessageHeader,
  readCheckTransactionStateRequest,
} from "../../src/requests/mod.ts";
import { readSendMessageRequest } from "../../src/testing/requests.ts";
import type { Fact, Handle, WireState } from "./history.ts";
import type { Link } from "./network/link.ts";
import type { NetworkObserver } from "./network/network.ts";
import type { BreakPoint } from "./plan.ts";
import { isHalf, plainNames } from "./world/plain_messages.ts";

const STATES: Readonly<Record<number, WireState>> = {
  [CommitOrRollback.Commit]: "COMMIT",
  [CommitOrRollback.Rollback]: "ROLLBACK",
  [CommitOrRollback.Unknown]: "UNKNOWN",
};

/** A connection that is to break at the next frame of a kind. */
export interface ArmedBreak {
  member: string;
  code: number;
  where: BreakPoint;
}

/** Looks at the wire from the clients' ends and tells what goes over it. */
export class Witness implements NetworkObserver {
  readonly #tell: (fact: Fact) => void;
  readonly #brokerAt: (address: string) => string | undefined;
  readonly #names = new Map<string, string>();
  /** The breaks that wait for their frame. */
  readonly breaks: Set<ArmedBreak> = new Set();

  constructor(
    tell: (fact: Fact) => void,
    brokerAt: (address: string) => string | undefined,
  ) {
    this.#tell = tell;
    this.#brokerAt = brokerAt;
  }

  /** The transaction that a half message is of, by its unique key. */
  txnOf(id: string): string | undefined {
    return this.#names.get(id);
  }

  /** The unique key of a transaction's half message, when one was written. */
  idOf(txn: string): string | undefined {
    return this.#names.entries().find(([, name]) => name === txn)?.[0];
  }

  dialled(member: string, address: string, what: "dialling" | "dialled" | "dialFailed"): void {
    this.#tell({ type: what, member, address });
  }

  linked({ member, id, server: { address } }: Link): void {
    const broker = this.#brokerAt(address);
    this.#tell({
      type: "linked",
      member,
      link: id,
      address,
      ...(broker === undefined ? {} : { broker }),
    });
  }

  unlinked({ member, id }: Link, by: "client" | "fault"): void {
    this.#tell({ type: "unlinked", member, link: id, by });
  }

  wrote(link: Link, command: RemotingCommand): BreakPoint | undefined {
    this.#tellWritten(link, command);
    for (const armed of this.breaks) {
      if (armed.member !== link.member || armed.code !== command.code) continue;
      this.breaks.delete(armed);
      const { address } = link.server;
      this.#tell({ type: "fault", kind: `break ${armed.where}`, about: address, on: false });
      return armed.where;
    }
    return undefined;
  }

  got({ member, id: link, server: { address } }: Link, command: RemotingCommand): void {
    const { opaque, code } = command;
    if (isResponse(command)) {
      const handle = handleInReply(command);
      this.#tell({ type: "gotReply", member, link, opaque, code, ...(handle ? { handle } : {}) });
    } else if (code === RequestCode.CHECK_TRANSACTION_STATE) {
      const header = readCheckTransactionStateRequest(command);
      this.#tell({
        type: "gotCheck",
        member,
        link,
        broker: this.#brokerAt(address)!,
        txn: this.#names.get(header.msgId!)!,
        handle: handleOf(header),
      });
    }
  }

  #tellWritten({ member, id: link, server }: Link, command: RemotingCommand): void {
    const { code, opaque } = command;
    switch (code) {
      case RequestCode.SEND_MESSAGE_V2:
      case RequestCode.SEND_BATCH_MESSAGE: {
        const properties = decodeProperties(readSendMessageRequest(command).properties ?? "");
        if (!isHalf(properties)) {
          const name = plainNames(command)[0]!, oneway = isOneway(command);
          return this.#tell({ type: "wrotePlain", member, link, name, opaque, oneway });
        }
        const txn = properties[MessageProperty.Keys]!;
        this.#names.set(properties[MessageProperty.UniqueKey]!, txn);
        return this.#tell({ type: "wroteHalf", member, link, txn, opaque });
      }
      case RequestCode.END_TRANSACTION: {
        const header = endTransactionHeader.decode(command.extFields);
        return this.#tell({
          type: "wroteVerdict",
          member,
          link,
          broker: this.#brokerAt(server.address)!,
          txn: this.#names.get(header.transactionId!) ?? `? ${header.transactionId}`,
          opaque,
          state: STATES[header.commitOrRollback]!,
          handle: handleOf(header),
          fromCheck: header.fromTransactionCheck === true,
          oneway: isOneway(command),
          group: header.producerGroup,
        });
      }
      case RequestCode.QUERY_MESSAGE: {
        const { topic, key } = queryMessageHeader.decode(command.extFields);
        const txn = this.#names.get(key) ?? "?";
        return this.#tell({ type: "wroteOther", member, link, opaque, code, txn, topic });
      }
      default:
        return this.#tell({ type: "wroteOther", member, link, opaque, code });
    }
  }
}

/** The place of a half message that the answer to a send names, if it is one that can be used. */
function handleInReply({ extFields: { queueOffset, msgId } }: RemotingCommand): Handle | undefined {
  if (queueOffset === undefined || !/^[0-9A-F]{32}$/i.test(msgId ?? "")) return undefined;
  const logOffset = Number(parseOffsetMessageId(msgId!).offset);
  return { queueOffset: Number(queueOffset), logOffset };
}

function handleOf(
  header: { tranStateTableOffset: bigint; commitLogOffset: bigint },
): Handle {
  return {
    queueOffset: Number(header.tranStateTableOffset),
    logOffset: Number(header.commitLogOffset),
  };
}
