import { assertEquals } from "@std/assert";
import { Positions } from "../../src/consumer/positions.ts";
import { readConsumerVectors } from "./fixtures.ts";

Deno.test("positions - commit what the Java client commits", () => {
  type Step = { put: number[] } | { done: number[] };
  interface Expected {
    answers: (number | null)[];
    left: number;
  }
  for (
    const { name, input, expected } of readConsumerVectors<Step[], Expected>(
      "commit-position",
      "commit-position",
    )
  ) {
    let positions: Positions | undefined;
    input.forEach((step, at) => {
      if ("put" in step) {
        const offsets = step.put.map(BigInt);
        positions ??= new Positions(offsets[0]!);
        positions.take(offsets, offsets.at(-1)! + 1n);
        return;
      }
      const wasOpen = positions!.unsettled > 0;
      for (const offset of step.done) positions!.settle(BigInt(offset));
      // Java answers -1 where nothing is open before: there is nothing new to commit.
      const answer = wasOpen ? Number(positions!.committable) : -1;
      assertEquals(answer, expected.answers[at], `${name} step ${at}`);
    });
    assertEquals(positions?.unsettled ?? 0, expected.left, name);
  }
});

Deno.test("positions - never pass an unsettled message, whatever the order of reading and settling", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  for (let round = 0; round < 200; round++) {
    const positions = new Positions(5n), open = new Set<bigint>();
    let next = 5n, committed = 5n;
    for (let step = 0; step < 60; step++) {
      if (random(3) === 0) {
        const offsets: bigint[] = [];
        for (let i = random(4); i > 0; i--) {
          next += BigInt(random(3));
          offsets.push(next++);
        }
        next += BigInt(random(3));
        assertEquals(positions.take(offsets, next), offsets);
        for (const offset of offsets) open.add(offset);
      } else if (open.size > 0) {
        const offset = [...open][random(open.size)]!;
        open.delete(offset);
        assertEquals(positions.settle(offset), true);
      }
      const lowest = [...open].reduce((a, b) => a < b ? a : b, next);
      assertEquals(positions.committable, lowest);
      assertEquals(positions.committable >= committed, true, "it goes back");
      committed = positions.committable;
    }
  }
});

Deno.test("positions - move over messages that were not for this group", () => {
  const positions = new Positions(10n);
  positions.take([], 90n);
  assertEquals([positions.committable, positions.readTo], [90n, 90n]);
  positions.take([95n], 120n);
  assertEquals([positions.committable, positions.readTo], [95n, 120n]);
  positions.settle(95n);
  assertEquals(positions.committable, 120n);
});

Deno.test("positions - a message that comes again, or is settled again, changes nothing", () => {
  const positions = new Positions(0n);
  assertEquals(positions.take([0n, 1n, 2n], 3n), [0n, 1n, 2n]);
  assertEquals(positions.settle(0n), true);
  assertEquals(positions.settle(0n), false);
  assertEquals(positions.take([0n, 2n, 3n], 4n), [3n]);
  assertEquals([positions.committable, positions.unsettled], [1n, 3]);
  assertEquals(positions.take([], 2n), []);
  assertEquals(positions.readTo, 4n);
});
