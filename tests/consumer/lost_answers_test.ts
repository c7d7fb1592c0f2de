import { assertEquals } from "@std/assert";
import type { Consumer } from "../../src/consumer/mod.ts";
import type { FaultRule, RequestName } from "../../src/testing/mod.ts";
import { Random } from "../fuzz/random.ts";
import { bodies, pause, Shop, TOPIC, until } from "./support.ts";
import { Witness } from "./witness.ts";

/** What a hand-over is made of, and what members ask beside it. */
const REQUESTS: readonly RequestName[] = [
  "QUERY_CONSUMER_OFFSET",
  "UPDATE_CONSUMER_OFFSET",
  "LOCK_BATCH_MQ",
  "UNLOCK_BATCH_MQ",
  "GET_CONSUMER_LIST_BY_GROUP",
  "GET_CONSUMER_CONNECTION_LIST",
  "UNREGISTER_CLIENT",
];

const MESSAGES = 400, MOVES = 8;

/** Draws a request that gets no answer, a late one, or a refusal. */
function drawFault(random: Random): FaultRule {
  const on = random.pick(REQUESTS), once = { on, times: 1 };
  switch (random.below(3)) {
    case 0:
      return { ...once, action: "drop" };
    case 1:
      return { ...once, action: "delay", ms: 100 + random.below(600) };
    default:
      return { ...once, action: "answer", code: 2 };
  }
}

for (const order of ["none", "queue"] as const) {
  Deno.test(`group - answers that are lost, late or refusals while members come and go: nothing comes twice (order ${order})`, async () => {
    const random = new Random(order.length);
    await using shop = await Shop.open({ brokers: 2, topics: [{ topic: TOPIC, queues: 3 }] });
    const witness = new Witness(), members: Consumer[] = [];
    let joined = 0;
    const join = async () => {
      const member = await shop.start({ requestTimeout: 300, order });
      member.run(witness.handler(`member ${joined++}`, 5 + random.below(30)));
      members.push(member);
    };
    await join();
    const sending = shop.send(bodies(MESSAGES));
    for (let move = 0; move < MOVES; move++) {
      for (let i = 0; i < 4; i++) {
        shop.broker.faults.add(drawFault(random));
        await pause(50 + random.below(150));
      }
      const leaves = members.length > 1 && (members.length > 4 || random.below(2) === 0);
      if (leaves) await members.splice(random.below(members.length), 1)[0]!.close();
      else await join();
    }
    await sending;
    await until("all are handled", () => witness.size === MESSAGES, 30_000);
    await pause(500);
    const { outOfOrder, ...rest } = witness.sightings();
    assertEquals(rest, { messages: MESSAGES, extra: 0, twoOwners: 0 });
    if (order === "queue") assertEquals(outOfOrder, 0);
    for (const member of members) await member.close();
  });
}
