import { assertEquals, assertThrows } from "@std/assert";
import { InvalidArgumentError, stateWithoutRecord, systemClock } from "../../mod.ts";

const BORN = 1_700_000_000_000;

function stateAt(age: number, localTransactionRan?: boolean): string {
  const clock = { ...systemClock, now: () => BORN + age };
  return stateWithoutRecord({ bornTimestamp: BORN }, { localTransactionRan }, {
    deadline: 30_000,
    clock,
  });
}

Deno.test("stateWithoutRecord - is unknown as long as another member may write the record", () => {
  assertEquals([stateAt(0), stateAt(30_000), stateAt(30_001)], ["UNKNOWN", "UNKNOWN", "ROLLBACK"]);
  // The clock of the sender is ahead.
  assertEquals(stateAt(-60_000), "UNKNOWN");
});

Deno.test("stateWithoutRecord - rolls back at once what this producer gave up before it ran", () => {
  assertEquals([stateAt(0, false), stateAt(0, true)], ["ROLLBACK", "UNKNOWN"]);
});

Deno.test("stateWithoutRecord - a deadline that is none is refused", () => {
  for (const deadline of [-1, NaN, Infinity, undefined as unknown as number]) {
    assertThrows(
      () =>
        stateWithoutRecord({ bornTimestamp: BORN }, { localTransactionRan: true }, { deadline }),
      InvalidArgumentError,
      "deadline",
    );
  }
});
