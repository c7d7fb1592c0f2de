import { assertEquals, assertMatch } from "@std/assert";
import type { Consumer } from "../../src/consumer/mod.ts";
import { RequestCode } from "../../src/remoting/mod.ts";
import {
  createGetConsumerListRequest,
  readGetConsumerListResponse,
  resetOffsetHeader,
} from "../../src/requests/mod.ts";
import { Member } from "../testing/member.ts";
import { bodies, GROUP, next, pause, Shop, textOf, TOPIC, until } from "./support.ts";

/** What an operator asks of the broker. */
class Operator implements Disposable {
  readonly #member: Member;
  readonly #address: string;

  private constructor(member: Member, address: string) {
    this.#member = member;
    this.#address = address;
  }

  static async come({ broker }: Shop): Promise<Operator> {
    return new Operator(await Member.join(broker, "operators"), broker.brokers[0]!.address);
  }

  async clientId(): Promise<string> {
    const request = createGetConsumerListRequest({ consumerGroup: GROUP });
    const response = await this.#member.ask(request);
    return readGetConsumerListResponse(response, { address: this.#address }).members[0]!;
  }

  reset(timestamp: number) {
    return this.#member.ask({
      code: RequestCode.INVOKE_BROKER_TO_RESET_OFFSET,
      extFields: resetOffsetHeader.encode({
        ...{ topic: TOPIC, group: GROUP, timestamp: BigInt(timestamp), isForce: true },
      }),
    });
  }

  async ask(code: RequestCode, fields: Record<string, string> = {}) {
    const clientId = await this.clientId();
    const extFields = { consumerGroup: GROUP, group: GROUP, topic: TOPIC, clientId, ...fields };
    const { body, ...answer } = await this.#member.ask({ code, extFields });
    return { ...answer, text: new TextDecoder().decode(body) };
  }

  [Symbol.dispose](): void {
    this.#member[Symbol.dispose]();
  }
}

for (const resetsAtServer of [true, false]) {
  const by = resetsAtServer ? "the broker" : "the members";
  Deno.test(`operator - a reset by ${by} goes back to a time, after what is under way was finished`, async () => {
    await using shop = await Shop.open({ resetsAtServer });
    await shop.send(bodies(10));
    await using consumer = await shop.start();
    const moved: string[] = [];
    (async () => {
      for await (const event of consumer.events()) {
        if (event.type === "offset-moved") moved.push(event.why);
      }
    })();
    let running = 0, most = 0;
    const seen: string[] = [];
    consumer.run(async (message) => {
      most = Math.max(most, ++running);
      await pause(seen.length < 10 ? 100 : 1);
      running--;
      seen.push(textOf(message));
    });
    await until("all are handled", () => seen.length === 10);
    await pause(500);
    using operator = await Operator.come(shop);
    assertEquals((await operator.reset(0)).code, 0);
    // Pulls that are held learn of it at their end: here because a message comes to each queue.
    await shop.send(["x", "y", "z", "x", "y", "z"]);
    await until("all came again", () => new Set(seen.slice(10)).size === 13 && seen.length >= 26);
    await pause(500);
    const again = seen.slice(10).filter((text) => text.startsWith("m"));
    assertEquals(again.toSorted(), bodies(10).toSorted());
    if (resetsAtServer) assertEquals(new Set(moved), new Set(["reset"]));
    assertEquals((await consumer.close()).isClean, true);
    await using successor = await shop.start();
    await shop.send(["later"]);
    const [message] = await next(successor[Symbol.asyncIterator](), 1);
    assertEquals(textOf(message!), "later");
    message!.ack();
  });
}

Deno.test("operator - is told the offsets, and only if that was allowed the state of the member", async () => {
  await using shop = await Shop.open();
  await shop.send(bodies(6));
  using operator = await Operator.come(shop);
  const work = async (consumer: Consumer, count: number) => {
    let handled = 0;
    consumer.run(() => void handled++);
    await until("all are handled", () => handled === count);
    await pause(300);
  };
  await using closed = await shop.start();
  await work(closed, 6);
  const { text } = await operator.ask(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT);
  assertEquals(text.match(/\}:3/g)?.length, 2, text);
  assertMatch(text, /^\{"consumerTable":\{\},"messageQueueTable":\{\{"brokerName":"broker-a"/);
  const refused = await operator.ask(RequestCode.GET_CONSUMER_RUNNING_INFO);
  assertEquals([refused.code, /answersOperators/.test(refused.remark ?? "")], [3, true]);
  await closed.close();

  await using open = await shop.start({ answersOperators: true, order: "queue" });
  await shop.send(bodies(2));
  await work(open, 2);
  const info = await operator.ask(RequestCode.GET_CONSUMER_RUNNING_INFO);
  assertMatch(
    info.text,
    /\{"brokerName":"broker-a","queueId":0,"topic":"orders"\}:\{[^}]*"commitOffset":4/,
  );
  assertMatch(info.text, /"PROP_CONSUMEORDERLY":"true"/);
  await open.close();
});

Deno.test("operator - has a message handled directly, which settles nothing, and is told what came of it", async () => {
  await using shop = await Shop.open();
  await shop.send(["fine", "later", "broken"]);
  using operator = await Operator.come(shop);
  await using consumer = await shop.start({ answersOperators: true, retry: { delay: 3_600_000 } });
  const seen: string[] = [];
  consumer.run((message) => {
    seen.push(textOf(message));
    if (textOf(message) === "later") message.retry();
    if (textOf(message) === "broken") throw new Error("no stock");
  });
  await until("all are handled", () => seen.length === 3);
  const results: Record<string, unknown> = {};
  for (const message of await shop.broker.messages(TOPIC)) {
    const fields = { msgId: message.offsetMessageId };
    const { text } = await operator.ask(RequestCode.CONSUME_MESSAGE_DIRECTLY, fields);
    const { consumeResult, remark } = JSON.parse(text);
    results[new TextDecoder().decode(message.body)] = [consumeResult, remark];
  }
  assertEquals(results, {
    fine: ["CR_SUCCESS", undefined],
    later: ["CR_LATER", undefined],
    broken: ["CR_THROW_EXCEPTION", "no stock"],
  });
  assertEquals(seen.length, 6);
  assertEquals((await consumer.close()).isClean, true);
});

Deno.test("lag and stats - tell what is left and what was done, without a request", async () => {
  await using shop = await Shop.open({ topics: [{ topic: TOPIC, queues: 1 }] });
  await shop.send(bodies(10));
  const consumer = await shop.start({ concurrency: 2 });
  assertEquals(consumer.stats().handled, 0);
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  consumer.run(async () => {
    if (++begun > 4) await gate.promise;
    if (begun === 4) throw new Error("once");
  });
  await until("two wait", () => begun === 6);
  const lag = [...consumer.lag()].filter(([queue]) => queue.startsWith(TOPIC));
  assertEquals(lag, [[`${TOPIC}@broker-a@0`, 6n]]);
  const { queues, waiting, running, handled, failed, bufferedBytes } = consumer.stats();
  assertEquals([queues >= 1, waiting, running, handled, failed, bufferedBytes > 0], [
    ...[true, 4, 2, 3, 1, true],
  ]);
  gate.resolve();
  await until("all are done", () => consumer.stats().handled >= 9);
  await pause(300);
  assertEquals(consumer.lag().get(`${TOPIC}@broker-a@0`), 0n);
  assertEquals((await consumer.close()).isClean, true);
});
