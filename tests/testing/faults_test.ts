import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { ConnectionError, InvalidArgumentError } from "../../src/errors.ts";
import { EmbeddedBroker, type FaultRule } from "../../src/testing/mod.ts";
import { dialTcp } from "../../src/transport/mod.ts";
import { settle } from "../support/fake_clock.ts";
import { Member } from "./member.ts";

Deno.test("faults - an answer takes the place of the right one, and nothing is carried out", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false });
  using member = await Member.join(broker, "g");
  const fault = broker.faults.add({
    ...{ on: "SEND_MESSAGE", times: 2 },
    ...{ action: "answer", code: 2, remark: "[REJECTREQUEST]system busy", extFields: { a: "b" } },
  });

  for (let index = 0; index < 2; index++) {
    const { code, remark, extFields } = await member.send("T");
    assertEquals([code, remark, extFields], [2, "[REJECTREQUEST]system busy", { a: "b" }]);
  }
  assertEquals([fault.hits, broker.stats().sends], [2, 0]);
  assertEquals((await member.send("T")).code, 0);
  assertEquals(fault.hits, 2);
});

Deno.test("faults - a dropped answer was carried out, a dropped request was not", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false });
  using member = await Member.join(broker, "g");
  for (const carriedOut of [undefined, false]) {
    using _ = broker.faults.add({
      ...{ on: "SEND_MESSAGE", action: "drop" },
      ...(carriedOut === undefined ? {} : { carriedOut }),
    });
    const error = await assertRejects(() => member.send("T", { timeout: 100 }), ConnectionError);
    assertEquals(error.code, "TIMEOUT");
    assertEquals(broker.stats().sends, 1);
  }
  assertEquals((await member.send("T")).code, 0);
  assertEquals(broker.stats().sends, 2);
});

Deno.test("faults - a delayed request is overtaken", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false });
  using member = await Member.join(broker, "g");
  broker.faults.add({ on: "SEND_MESSAGE", times: 1, action: "delay", ms: 150 });
  const start = performance.now(), done: string[] = [];
  await Promise.all(["delayed", "prompt"].map(async (body) => {
    await member.send("T", { body });
    done.push(body);
  }));
  assertEquals(done, ["prompt", "delayed"]);
  assertGreaterOrEqual(performance.now() - start, 145);
  const messages = await broker.messages("T");
  assertEquals(messages.map(({ body }) => new TextDecoder().decode(body)), ["prompt", "delayed"]);
});

for (const transport of ["memory", "TCP"] as const) {
  Deno.test(`faults - a connection ends in the middle of an answer, over ${transport}`, async () => {
    await using broker = await EmbeddedBroker.start();
    const dialer = transport === "TCP" ? dialTcp : broker.dialer;
    for (const [bytes, reason] of [[11, "11 bytes into a frame"], [0, "closed"]] as const) {
      using member = await Member.join(broker, "g", { dialer });
      using fault = broker.faults.add({ on: "SEND_MESSAGE", action: "cut", bytes });
      const error = await assertRejects(() => member.send("T"), ConnectionError, reason);
      assertEquals([error.code, error.written, fault.hits], ["CONNECTION_LOST", true, 1]);
    }
    assertEquals(broker.stats().sends, 2);
  });

  Deno.test(`faults - a connection ends without an answer, over ${transport}`, async () => {
    await using broker = await EmbeddedBroker.start();
    const dialer = transport === "TCP" ? dialTcp : broker.dialer;
    for (const carriedOut of [true, false]) {
      using member = await Member.join(broker, "g", { dialer });
      using _ = broker.faults.add({ on: "SEND_MESSAGE", action: "close", carriedOut });
      const error = await assertRejects(() => member.send("T"), ConnectionError);
      assertEquals(error.code, "CONNECTION_LOST");
      assertEquals(broker.stats().sends, 1);
    }
  });
}

Deno.test("faults - check-backs can be lost, delayed, and end the connection", async () => {
  await using broker = await EmbeddedBroker.start({
    ...{ listen: false, transactionCheckInterval: Infinity },
  });
  using member = await Member.join(broker, "g");
  await member.sendHalf("T", "k");
  broker.faults.add({ on: "CHECK_TRANSACTION_STATE", times: 1, action: "drop" });
  broker.faults.add({ on: 39, times: 1, action: "delay", ms: 50 });
  broker.faults.add({ on: "CHECK_TRANSACTION_STATE", after: 1, times: 1, action: "close" });

  for (let round = 0; round < 3; round++) broker.checkNow();
  await settle();
  assertEquals(member.checks.map(({ checkTimes }) => checkTimes), [3]);
  await new Promise((resolve) => setTimeout(resolve, 60));
  assertEquals(member.checks.map(({ checkTimes }) => checkTimes), [3, 2]);
  broker.checkNow();
  await member.connection.closed;
  assertEquals(member.checks.length, 2);
});

Deno.test("faults - happen where and to what they say", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false, brokers: 2 });
  using a = await Member.join(broker, "g");
  using b = await Member.join(broker, "g", { index: 1 });
  const codes = async (rule: FaultRule) => {
    using _ = broker.faults.add(rule);
    const responses = [];
    for (const member of [a, b]) {
      for (const verdict of ["Commit", "Rollback"] as const) {
        responses.push(await member.decide({ queueOffset: 0n, commitLogOffset: 0n }, verdict));
      }
    }
    return responses;
  };
  const action = { action: "answer", code: 2 } as const;
  assertEquals(await codes({ on: "END_TRANSACTION", ...action }), [2, 2, 2, 2]);
  assertEquals(await codes({ on: "*", at: "broker-b", ...action }), [1, 1, 2, 2]);
  assertEquals(await codes({ on: "*", at: "nameServer", ...action }), [1, 1, 1, 1]);
  assertEquals(await codes({ on: 37, fields: { commitOrRollback: "8" }, ...action }), [2, 1, 2, 1]);
  assertEquals(await codes({ on: ["PULL_MESSAGE", 37], after: 1, times: 2, ...action }), [
    ...[1, 2, 2, 1],
  ]);
  assertEquals(await codes({ on: "PULL_MESSAGE", ...action }), [1, 1, 1, 1]);
});

Deno.test("faults - the name of a send means all its forms, a code means one", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false });
  using member = await Member.join(broker, "g");
  const ask = async (on: FaultRule["on"]) => {
    using fault = broker.faults.add({ on, action: "answer", code: 2 });
    for (const code of [10, 310, 320]) await member.ask({ code });
    return fault.hits;
  };
  assertEquals(await ask("SEND_MESSAGE"), 3);
  assertEquals(await ask("SEND_MESSAGE_V2"), 1);
  assertEquals(await ask(10), 1);
});

Deno.test("faults - the oldest that fits counts, until it is taken away", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false });
  using member = await Member.join(broker, "g");
  const first = broker.faults.add({ on: "*", action: "answer", code: 2 });
  const second = broker.faults.add({ on: "SEND_MESSAGE", action: "answer", code: 14 });
  assertEquals((await member.send("T")).code, 2);
  first.remove();
  assertEquals((await member.send("T")).code, 14);
  broker.faults.clear();
  assertEquals((await member.send("T")).code, 0);
  assertEquals([first.hits, second.hits], [1, 1]);
});

Deno.test("faults - rules that can't be are refused", async () => {
  await using broker = await EmbeddedBroker.start({ listen: false });
  const refusals: [Record<string, unknown>, string][] = [
    [{ on: "SEND", action: "drop" }, '"SEND" is neither the name nor the code of a request'],
    [{ on: "*", action: "explode" }, 'action "explode" is none of delay, drop, cut, close, answer'],
    [{ on: "*", action: "delay" }, "ms undefined is not a whole number from 0"],
    [{ on: "*", action: "answer" }, "code undefined is not a whole number from 0"],
    [{ on: "*", action: "cut", bytes: -1 }, "bytes -1 is not a whole number from 0"],
    [{ on: "*", action: "drop", times: 0.5 }, "times 0.5 is not a whole number from 0"],
  ];
  for (const [rule, reason] of refusals) {
    assertThrows(
      () => broker.faults.add(rule as unknown as FaultRule),
      InvalidArgumentError,
      `Cannot add fault: ${reason}`,
    );
  }
  using member = await Member.join(broker, "g");
  assert(member.connection.isOpen);
});
