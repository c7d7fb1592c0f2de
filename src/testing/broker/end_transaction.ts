import {
  MessageProperty,
  type StoredMessage,
  withTransactionFlag,
} from "../../message/internal.ts";
import { RequestCode, ResponseCode } from "../../remoting/mod.ts";
import {
  CommitOrRollback,
  type EndTransactionHeader,
  endTransactionHeader,
} from "../../requests/mod.ts";
import { transactionFacts } from "../activity.ts";
import type { VerdictEvent } from "../events.ts";
import { type Answer, type Handler, NO_REMARK_SET, Refusal } from "../net/answer.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { SystemTopic } from "./system_topics.ts";

/** What a verdict is called in events. */
const VERDICTS: Readonly<Record<number, VerdictEvent["verdict"]>> = {
  [CommitOrRollback.Unknown]: "unknown",
  [CommitOrRollback.Commit]: "commit",
  [CommitOrRollback.Rollback]: "rollback",
};

/** The request that decides over half messages. */
export function endTransactionHandlers(broker: BrokerParts): [number, Handler][] {
  return [[RequestCode.END_TRANSACTION, (request) => {
    const header = endTransactionHeader.decode(request.extFields);
    const verdict = VERDICTS[header.commitOrRollback];
    if (verdict === undefined) {
      throw new Refusal(
        ResponseCode.SYSTEM_ERROR,
        "org.apache.rocketmq.remoting.exception.RemotingCommandException: " +
          "commitOrRollback field wrong",
      );
    }
    const half = lookUp(broker, header, verdict);
    if (verdict === "unknown") {
      tell(broker, header, half, verdict);
      return undefined;
    }
    try {
      check(broker, header, half);
    } catch (error) {
      if (error instanceof Refusal) tell(broker, header, half, verdict, error);
      throw error;
    }
    tell(broker, header, half, verdict);
    return verdict === "commit" ? commit(broker, header, half!) : rollBack(broker, half!);
  }]];
}

/** The record that a verdict is over. Of an *unknown* nothing is checked, it may name anything. */
function lookUp(
  broker: BrokerParts,
  header: EndTransactionHeader,
  verdict: VerdictEvent["verdict"],
): StoredMessage | undefined {
  try {
    return broker.store.message(Number(header.commitLogOffset));
  } catch (error) {
    if (verdict === "unknown") return undefined;
    throw error;
  }
}

/** Refuses a verdict over something else than it says, or one that comes too late. */
function check(
  broker: BrokerParts,
  header: EndTransactionHeader,
  half: StoredMessage | undefined,
): void {
  if (!half) {
    throw new Refusal(ResponseCode.SYSTEM_ERROR, "Find prepared transaction message failed");
  }
  if (!header.fromTransactionCheck && isTooLate(broker, half)) {
    throw new Refusal(ResponseCode.ILLEGAL_OPERATION, NO_REMARK_SET);
  }
  const group = half.properties[MessageProperty.ProducerGroup];
  if (group === undefined) {
    throw new Refusal(
      ResponseCode.SYSTEM_ERROR,
      'java.lang.NullPointerException: Cannot invoke "String.equals(Object)" because "pgroupRead" is null',
    );
  }
  const wrong = group !== header.producerGroup
    ? "The producer group wrong"
    : half.queueOffset !== header.tranStateTableOffset
    ? "The transaction state table offset wrong"
    : half.commitLogOffset !== header.commitLogOffset
    ? "The commit log offset wrong"
    : undefined;
  if (wrong !== undefined) throw new Refusal(ResponseCode.SYSTEM_ERROR, wrong);
}

/** With an immunity time of its own a message takes no verdict after it, but from a check-back. */
function isTooLate({ clock, transactionTimeout }: BrokerParts, half: StoredMessage): boolean {
  const text = half.properties[MessageProperty.CheckImmunityTimeInSeconds];
  if (!text) return false;
  const immunity = /^[+-]?\d{1,15}$/.test(text) ? Number(text) * 1000 : 0;
  return clock.now() - half.bornTimestamp > Math.max(immunity, transactionTimeout);
}

/** Makes it visible. What was committed before is committed again: one more message. */
function commit(broker: BrokerParts, header: EndTransactionHeader, half: StoredMessage): Answer {
  const { [MessageProperty.RealTopic]: topic, [MessageProperty.RealQueueId]: queueId, ...rest } =
    half.properties;
  if (topic === undefined || queueId === undefined) {
    throw new Refusal(
      ResponseCode.SYSTEM_ERROR,
      "java.lang.NumberFormatException: Cannot parse null string: null",
    );
  }
  const { body, flag, bornTimestamp, bornHost, reconsumeTimes } = half;
  const result = broker.store.put({
    ...{ topic, body, flag, bornTimestamp, bornHost, reconsumeTimes },
    queueId: Number(queueId),
    sysFlag: withTransactionFlag(half.sysFlag, CommitOrRollback.Commit),
    properties: rest,
    preparedTransactionOffset: Number(header.commitLogOffset),
  });
  if (result.status === "full") {
    throw new Refusal(ResponseCode.SERVICE_NOT_AVAILABLE, "Service not available now.");
  }
  if (result.status === "illegal") {
    throw new Refusal(
      ResponseCode.MESSAGE_ILLEGAL,
      "The message is illegal, maybe msg body or properties length not matched. " +
        `msg body length limit ${broker.maxMessageSize}B, msg properties length limit 32KB.`,
    );
  }
  broker.activity.publish(broker.name, {
    type: "visible",
    ...transactionFacts(half.properties),
    queueId: Number(queueId),
    queueOffset: BigInt(result.placements[0].queueOffset),
  });
  markDone(broker, half);
  return {};
}

function rollBack(broker: BrokerParts, half: StoredMessage): Answer {
  broker.activity.publish(broker.name, { type: "gone", ...transactionFacts(half.properties) });
  markDone(broker, half);
  return { remark: NO_REMARK_SET };
}

function markDone(broker: BrokerParts, half: StoredMessage): void {
  if (half.topic !== SystemTopic.Half) return;
  broker.marks.add(Number(half.queueOffset));
  broker.halves.decide(Number(half.queueOffset));
}

function tell(
  broker: BrokerParts,
  header: EndTransactionHeader,
  half: StoredMessage | undefined,
  verdict: VerdictEvent["verdict"],
  refusal?: Refusal,
): void {
  const { remark } = refusal?.answer ?? {};
  broker.activity.publish(broker.name, {
    type: "verdict",
    verdict,
    fromCheck: header.fromTransactionCheck ?? false,
    responseCode: refusal?.answer.code ?? ResponseCode.SUCCESS,
    ...transactionFacts(half?.properties ?? {}),
    ...(half ? {} : { transactionId: header.transactionId ?? header.msgId ?? "" }),
    ...(remark === undefined ? {} : { remark }),
  });
}
