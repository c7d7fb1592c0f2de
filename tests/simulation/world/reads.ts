import { type RemotingCommand, ResponseCode } from "../../../src/remoting/mod.ts";
import {
  getMaxOffsetHeader,
  offsetResponseHeader,
  pullMessageHeader,
  pullMessageResponseHeader,
} from "../../../src/requests/mod.ts";
import type { Broker } from "./broker.ts";
import { type Answer, encodeRecord } from "./broker_requests.ts";
import type { Visible } from "./store.ts";

/** What consumers get of a queue from a place on. */
export function pullMessages(broker: Broker, command: RemotingCommand): Answer {
  const { topic, queueId, queueOffset } = pullMessageHeader.decode(command.extFields);
  const all = queueOf(broker, topic, queueId), end = BigInt(all.length);
  const bodies = all.slice(Number(queueOffset)).map((record, index) =>
    encodeRecord(broker, topic, { ...record, queueOffset: Number(queueOffset) + index })
  );
  const extFields = pullMessageResponseHeader.encode({
    suggestWhichBrokerId: 0n,
    nextBeginOffset: end,
    minOffset: 0n,
    maxOffset: end,
  });
  if (bodies.length === 0) return { code: ResponseCode.PULL_NOT_FOUND, extFields };
  return { extFields, body: join(bodies) };
}

/** The end of a queue. */
export function maxOffset(broker: Broker, command: RemotingCommand): Answer {
  const { topic, queueId } = getMaxOffsetHeader.decode(command.extFields);
  const offset = BigInt(queueOf(broker, topic, queueId).length);
  return { extFields: offsetResponseHeader.encode({ offset }) };
}

/** Puts bytes one after the other. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, bytes) => size + bytes.length, 0));
  let at = 0;
  for (const bytes of parts) {
    all.set(bytes, at);
    at += bytes.length;
  }
  return all;
}

function queueOf({ store }: Broker, topic: string, queueId: number): Visible[] {
  return store.visible.filter(({ content }) =>
    content.topic === topic && content.queueId === queueId
  );
}
