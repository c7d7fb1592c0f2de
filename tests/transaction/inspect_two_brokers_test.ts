import { assertEquals } from "@std/assert";
import { encodeStoredMessage, MessageProperty } from "../../src/message/mod.ts";
import { RequestCode, ResponseCode } from "../../src/remoting/mod.ts";
import { settle } from "../support/fake_clock.ts";
import type { ScriptedBroker } from "../support/scripted_broker.ts";
import { ScriptedCluster, TOPIC, watch } from "../support/scripted_cluster.ts";
import { saying } from "./support.ts";

const ID = "7F000001000100000000000000000000";
const HALVES = "RMQ_SYS_TRANS_HALF_TOPIC";
const GIVEN_UP = "TRANS_CHECK_MAX_TIME_TOPIC";

/** A topic in which a broker has a record, and how far its checks have come. */
type Held = readonly [topic: string, progress?: number];

/** Lets a broker have a record of the transaction. */
function holds(broker: ScriptedBroker, [topic, progress = 0]: Held): void {
  const properties = { [MessageProperty.UniqueKey]: ID };
  const storeHost = broker.address;
  const body = encodeStoredMessage({ topic, body: new Uint8Array(1), properties, storeHost });
  broker.on(
    RequestCode.QUERY_MESSAGE,
    ({ extFields }) =>
      extFields.topic === topic ? { body } : { code: ResponseCode.QUERY_NOT_FOUND },
  );
  broker.on(
    RequestCode.QUERY_CONSUMER_OFFSET,
    () => ({ extFields: { offset: String(progress) } }),
  );
}

/** What each of two brokers has, the first named first, and how the transaction stands. */
const CASES: readonly [string, Held, Held, string, number][] = [
  ["rolled back on the first, and open on the second", [HALVES, 1], [HALVES, 0], "pending", 2],
  ["given up on the first, and open on the second", [GIVEN_UP], [HALVES, 0], "pending", 2],
  ["rolled back on the first, and given up on the second", [HALVES, 1], [GIVEN_UP], "givenUp", 2],
  ["open on the first, and visible on the second", [HALVES, 0], [TOPIC], "committed", 2],
  ["open on the first, and rolled back on the second", [HALVES, 0], [HALVES, 1], "pending", 1],
];

for (const [title, first, second, state, holder] of CASES) {
  Deno.test(`inspect() - ${title}: ${state}`, async () => {
    await using cluster = new ScriptedCluster({ brokers: 2 });
    const [a, b] = cluster.brokers;
    holds(a!, first);
    holds(b!, second);
    const producer = await cluster.started(saying("COMMIT"));
    const inspection = watch(producer.inspect(ID, { topic: TOPIC }));
    await settle();

    const { value } = inspection;
    assertEquals([value?.state, value?.brokerName], [state, `broker-${holder}`]);
    assertEquals(value?.copies, state === "committed" ? 1 : 0);
  });
}
