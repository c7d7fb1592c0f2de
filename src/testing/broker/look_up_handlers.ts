import { concat } from "../../bytes.ts";
import { parseOffsetMessageId } from "../../message/mod.ts";
import { RequestCode, ResponseCode } from "../../remoting/mod.ts";
import {
  queryMessageHeader,
  queryMessageResponseHeader,
  resumeCheckHalfMessageHeader,
  viewMessageHeader,
} from "../../requests/mod.ts";
import { type Handler, Refusal } from "../net/answer.ts";
import type { BrokerParts } from "./broker_parts.ts";

/** Most messages in the answer to a query by unique key. */
const MAX_BY_UNIQUE_KEY = 32;

/** Most messages in the answer to any other query. */
const MAX_FOUND = 64;

/** The requests that find single messages. */
export function lookUpHandlers(broker: BrokerParts): [number, Handler][] {
  const { store, halves } = broker;
  return [
    [RequestCode.QUERY_MESSAGE, (request) => {
      const header = queryMessageHeader.decode(request.extFields);
      const found = store.index.find({
        topic: header.topic,
        key: header.key,
        byTag: header.indexType === "T" && !header.uniqueKeyQuery,
        max: header.uniqueKeyQuery ? MAX_BY_UNIQUE_KEY : Math.min(header.maxNum, MAX_FOUND),
        begin: Number(header.beginTimestamp),
        end: Number(header.endTimestamp),
      });
      const extFields = queryMessageResponseHeader.encode({
        indexLastUpdateTimestamp: BigInt(found.length > 0 ? store.index.lastTimestamp : 0),
        indexLastUpdatePhyoffset: BigInt(found.length > 0 ? store.index.lastPosition : 0),
      });
      if (found.length === 0) {
        throw new Refusal(
          ResponseCode.QUERY_NOT_FOUND,
          "can not find message, maybe time range not correct",
          extFields,
        );
      }
      return { extFields, body: concat(found) };
    }],
    [RequestCode.VIEW_MESSAGE_BY_ID, (request) => {
      const { offset } = viewMessageHeader.decode(request.extFields);
      const record = store.record(Number(offset));
      if (record === undefined) {
        throw new Refusal(
          ResponseCode.SYSTEM_ERROR,
          `can not find message by the offset, ${offset}`,
        );
      }
      return { body: record };
    }],
    [RequestCode.RESUME_CHECK_HALF_MESSAGE, (request) => {
      const { msgId = "" } = resumeCheckHalfMessageHeader.decode(request.extFields);
      const message = messageById(broker, msgId);
      if (!message) {
        throw new Refusal(
          ResponseCode.SYSTEM_ERROR,
          "Exception was thrown when putting message back to RMQ_SYS_TRANS_HALF_TOPIC.",
        );
      }
      if (halves.resume(message).status !== "stored") {
        throw new Refusal(
          ResponseCode.SYSTEM_ERROR,
          "Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed.",
        );
      }
      return {};
    }],
  ];
}

/** Gives the message that an offset message id names. */
export function messageById({ store }: BrokerParts, id: string): ReturnType<typeof store.message> {
  try {
    return store.message(Number(parseOffsetMessageId(id).offset));
  } catch {
    return undefined;
  }
}
