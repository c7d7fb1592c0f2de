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

/** Name of the topic of half messages that were asked about too often. */
export const DISCARDED_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC";

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
      store.discard(half, scheduler.now);
      const { queueOffset, logOffset } = half;
      const handle = { queueOffset, logOffset };
      tell({ type: "givenUp", broker: broker.name, txn: content.txn, handle });
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
    checkAgain(broker, content, checks + 1, half.logOffset, half.first);
  }
}

/** Milliseconds for which a half message is not asked about, if it says so. */
export function immunityOf({ properties }: Content): number | undefined {
  const seconds = properties[MessageProperty.CheckImmunityTimeInSeconds];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

/** Writes a half message again; `first` is given for one that was put back for its immunity. */
function putBack(
  { name, store, world: { scheduler, tell } }: Broker,
  content: Content,
  checks: number,
  of?: number,
  first?: number,
  isAsked = false,
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
    ...(first === undefined || isAsked ? {} : { isImmune: true }),
  });
  return half;
}

/**
 * Writes a half message again and asks about the new record. `of` is the place of the old record in
 * the broker's own log.
 */
export function checkAgain(
  broker: Broker,
  content: Content,
  checks: number,
  of?: number,
  first?: number,
): void {
  const half = putBack(broker, content, checks, of, first, true);
  const { queueOffset, logOffset } = half;
  const link = broker.registrations.take();
  if (!link || broker.troubles.lostChecks > 0) return;
  link.send(createRequest(
    createCheckTransactionStateRequest({
      tranStateTableOffset: BigInt(queueOffset),
      commitLogOffset: BigInt(logOffset),
      msgId: content.id,
      transactionId: content.id,
      offsetMsgId: messageIdOf(broker, logOffset),
      topic: HALF_TOPIC,
      bname: broker.name,
    }, encodeHalf(broker, half)),
    ++broker.lastOpaque,
    true,
  ));
}

/** The id of a record: the broker's address, as it names it, and the place in the log. */
export function messageIdOf({ storeHost }: Broker, logOffset: number): string {
  const [host, port] = storeHost.split(":");
  return createOffsetMessageId(host!, Number(port), BigInt(logOffset));
}

/** A half message as it stands in a check-back. */
function encodeHalf(broker: Broker, half: Half): Uint8Array {
  const { content, checks, first } = half;
  return encodeStoredMessage({
    ...content,
    queueOffset: BigInt(half.queueOffset),
    commitLogOffset: BigInt(half.logOffset),
    storeTimestamp: Math.floor(EPOCH + half.storedAt),
    storeHost: broker.storeHost,
    properties: {
      ...content.properties,
      TRANSACTION_CHECK_TIMES: String(checks),
      ...(first === undefined ? {} : { TRAN_PREPARED_QUEUE_OFFSET: String(first) }),
    },
  });
}
