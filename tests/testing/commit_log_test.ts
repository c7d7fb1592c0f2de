import { assert, assertEquals, assertFalse } from "@std/assert";
import { CommitLog } from "../../src/testing/store/commit_log.ts";

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

Deno.test("CommitLog - records are where their positions say, also over the ends of chunks", () => {
  const log = new CommitLog(10_000_000);
  const sizes = [1, 300_000, 17, 262_144, 0, 1_000_000, 5];
  const positions = sizes.map((size, index) => log.append(filled(size, index + 1)));

  let sum = 0;
  for (const [index, size] of sizes.entries()) {
    assertEquals(positions[index], sum);
    assertEquals(log.read(sum, size), filled(size, index + 1));
    sum += size;
  }
  assertEquals(log.end, sum);
});

Deno.test("CommitLog - nothing is read that is not wholly there", () => {
  const log = new CommitLog(1_000);
  log.append(filled(10, 7));

  assertEquals(log.read(4, 6)?.length, 6);
  for (const [position, length] of [[4, 7], [10, 1], [-1, 2], [0, -1], [1e15, 4]] as const) {
    assertEquals(log.read(position, length), undefined);
  }
  assertEquals(log.readInt32(6), 0x07070707);
  assertEquals(log.readInt32(7), undefined);
});

Deno.test("CommitLog - what was appended is a copy", () => {
  const log = new CommitLog(1_000), record = filled(4, 1);
  log.append(record);
  record.fill(9);

  assertEquals(log.read(0, 4), filled(4, 1));
});

Deno.test("CommitLog - knows its bound", () => {
  const log = new CommitLog(10);
  assert(log.hasRoomFor(10));
  log.append(filled(6, 1));
  assert(log.hasRoomFor(4));
  assertFalse(log.hasRoomFor(5));
});
