import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { printable } from "../src/errors.ts";

Deno.test("printable() - what could change how a log line looks is escaped", () => {
  for (
    const [text, shown] of [
      ["a\nb", "a\\nb"],
      ["\u001b[31m", "\\u001b[31m"],
      ["a\u202eb", "a\\u202eb"],
      ["a\u200bb", "a\\u200bb"],
      ["\ufeffa", "\\ufeffa"],
      ["a\u2028b", "a\\u2028b"],
      ["a\ud800b", "a\\ud800b"],
      ["\u{e0041}", "\\u{e0041}"],
      ["Zürich, 東京, 😀", "Zürich, 東京, 😀"],
    ] as const
  ) {
    assertEquals(printable(text), shown);
  }
});

Deno.test("printable() - a text that is too long is cut between two characters", () => {
  for (let length = 0; length < 8; length++) {
    const cut = printable(`${"x".repeat(length)}😀😀😀😀😀`, 8);
    assert(cut.isWellFormed(), cut);
    assertLessOrEqual(cut.length, 8);
    assert(cut.endsWith("…"));
  }
});
