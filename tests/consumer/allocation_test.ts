import { assertEquals, assertThrows } from "@std/assert";
import {
  allocateAverage,
  allocateInTurn,
  type Allocation,
  computeShare,
} from "../../src/consumer/allocation.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import { readConsumerVectors } from "./fixtures.ts";

type Pair = [brokerName: string, queueId: number];

const queuesOf = (topic: string, pairs: readonly Pair[]) =>
  pairs.map(([brokerName, queueId]) => ({ topic, brokerName, queueId }));

Deno.test("allocation - every member gets what the Java library gives it", () => {
  interface Input {
    topic: string;
    queues: Pair[];
    clientIds: string[];
  }
  type Shares = Record<string, Pair[]>;
  const vectors = readConsumerVectors<Input, { AVG: Shares; AVG_BY_CIRCLE: Shares }>(
    "allocation",
    "allocate",
  );
  for (const { name, input, expected } of vectors) {
    const shares = { AVG: allocateAverage, AVG_BY_CIRCLE: allocateInTurn };
    for (const [strategy, allocation] of Object.entries(shares)) {
      for (const self of new Set(input.clientIds)) {
        const share = computeShare(allocation, {
          topic: input.topic,
          queues: queuesOf(input.topic, input.queues),
          members: input.clientIds,
          self,
        });
        assertEquals(
          share,
          queuesOf(input.topic, expected[strategy as keyof typeof expected][self]!),
          `${name} ${strategy} ${self}`,
        );
      }
    }
  }
});

const four = queuesOf("T", [["b", 0], ["b", 1], ["b", 2], ["b", 3]]);

Deno.test("allocation - a stranger, and a topic without queues, get nothing", () => {
  const input = { topic: "T", queues: four, members: ["a", "b"], self: "c" };
  assertEquals(computeShare(allocateAverage, input), []);
  assertEquals(computeShare(allocateAverage, { ...input, members: [] }), []);
  assertEquals(computeShare(allocateAverage, { ...input, self: "a", queues: [] }), []);
});

Deno.test("allocation - an id that is listed twice counts once, so that no queue is without an owner", () => {
  const members = ["b", "a", "b"];
  const owned = ["a", "b"].flatMap((self) =>
    computeShare(allocateAverage, { topic: "T", queues: four, members, self })
  );
  assertEquals(owned, four);
});

Deno.test("allocation - a function of the user's decides, and is told when it is wrong", () => {
  const input = { topic: "T", queues: four, members: ["a", "b"], self: "a" };
  const first: Allocation = ({ queues, members, self }) => self === members[0] ? queues : [];
  assertEquals(computeShare(first, input), four);
  assertEquals(computeShare(first, { ...input, self: "b" }), []);
  const wrong: [unknown, string][] = [
    [() => undefined, "no list of queues"],
    [() => [four[0], { ...four[0] }], "a queue twice"],
    [() => [{ ...four[0], queueId: 9 }], "not among those"],
    [() => [null], "not among those"],
  ];
  for (const [allocation, part] of wrong) {
    assertThrows(() => computeShare(allocation as Allocation, input), InvalidArgumentError, part);
  }
});
