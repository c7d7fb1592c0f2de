import { createRequest } from "../../../src/remoting/mod.ts";
import {
  createOffsetMessageId,
  encodeStoredMessage,
  MessageProperty,
} from "../../../src/message/mod.ts";
import { createCheckTransactionStateRequest } from "../../../src/testing/requests.ts";
import { EPOCH } from "../client_clock.ts";
import type { Broker } from "./broker.ts";
import type { Content, Half } from "./store.ts";

/** Name of the topic of half messages. */
export const HALF_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC";

/**
 * Goes once over the half messages that are open, as a 5.5.0 broker does: one that was asked about
 * too often is given up; one that is old enough is written again with its count raised, and the
 * new record is asked about, whether anybody is there to be asked or not. One in its immunity time
 * is written again, too, with its count raised, and not asked about.
 */
export function runCheckRound(broker: Broker): void {
  const { store, world: { scheduler, settings, tell } } = broker;
  const end = store.halves.length, begin = store.progress;
  for (const link of broker.registrations.expire(scheduler.now)) {
    tell({ type: "expired", broker: broker.name, member: link.member });
    scheduler.wake(0, () => link.reset());
  }
  for (; store.progress < end; store.progress++) {
    const half = store.halves[store.progress]!;
    if (store.marks.has(half.queueOffset)) continue;
    const { content, checks } = half;
    if (checks >= settings.maxChecks) {
      store.marks.set(half.queueOffset, scheduler.now);
      tell({ type: "givenUp", broker: broker.name, txn: content.txn });
      continue;
    }
    // The age is by two clocks: a producer's that is ahead makes it negative, and that asks at once.
    const age = EPOCH + scheduler.now - content.bornTimestamp;
    const immunity = immunityOf(content);
    if (immunity === undefined && age >= 0 && age <= settings.timeout) break;
    if (immunity !== undefined && age <= immunity) {
      // Only marks that were written since the last round count for an earlier record.
      const { first = half.queueOffset } = half;
      const isOver = half.first !== undefined && first >= begin && store.marks.has(first);
      if (!isOver) putBack(broker, content, checks + 1, half.logOffset, first);
      continue;
    }
    checkAgain(broker, content, checks + 1, half.logOffset);
  }
}

/** Milliseconds for which a half message is not asked about, if it says so. */
export function immunityOf({ properties }: Content): number | undefined {
  const seconds = properties[MessageProperty.CheckImmunityTimeInSeconds];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

/** Writes a half message again; `first` is given for one that is put back for its immunity. */
function putBack(
  { name, store, world: { scheduler, tell } }: Broker,
  content: Content,
  checks: number,
  of?: number,
  first?: number,
): Half {
  const half = store.putHalf(content, checks, scheduler.now, first);
  const { queueOffset, logOffset } = half;
  tell({
    type: "stored",
    broker: name,
    txn: content.txn,
    handle: { queueOffset, logOffset },
    checks,
    ...(of === undefined ? {} : { of }),
    ...(first === undefined ? {} : { isImmune: true }),
  });
  return half;
}

/**
 * Writes a half message again and asks about the new record. `of` is the place of the old record in
 * the broker's own log.
 */
export function checkAgain(broker: Broker, content: Content, checks: number, of?: number): void {
  const half = putBack(broker, content, checks, of);
  const { queueOffset, logOffset } = half;
  const link = broker.registrations.take();
  if (!link || broker.troubles.lostChecks > 0) return;
  link.send(createRequest(
    createCheckTransactionStateRequest({
      tranStateTableOffset: BigInt(queueOffset),
      commitLogOffset: BigInt(logOffset),
      msgId: content.id,
      transactionId: content.id,
      offsetMsgId: createOffsetMessageId("10.0.1.1", 10911, BigInt(logOffset)),
      topic: HALF_TOPIC,
      bname: broker.name,
    }, encodeHalf(broker, half)),
    ++broker.lastOpaque,
    true,
  ));
}

/** A half message as it stands in a check-back. */
function encodeHalf(broker: Broker, half: Half): Uint8Array {
  const { content, checks } = half;
  return encodeStoredMessage({
    ...content,
    queueOffset: BigInt(half.queueOffset),
    commitLogOffset: BigInt(half.logOffset),
    storeTimestamp: Math.floor(EPOCH + half.storedAt),
    storeHost: broker.address,
    properties: { ...content.properties, TRANSACTION_CHECK_TIMES: String(checks) },
  });
}
