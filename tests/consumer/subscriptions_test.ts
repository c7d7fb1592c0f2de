import { assertEquals, assertThrows } from "@std/assert";
import { readSubscriptions } from "../../src/consumer/subscriptions.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import { javaStringHash } from "../../src/message/mod.ts";
import { type ExpressionType, subscriptionData } from "../../src/requests/mod.ts";
import { readConsumerVectors } from "./fixtures.ts";

interface Input {
  topic: string;
  expression: string | null;
  type: ExpressionType;
}

interface Expected {
  subString: string;
  tagsSet: string[];
  codeSet: number[];
  expressionType: string;
}

Deno.test("subscription - has the tags and hashes that the Java library computes", () => {
  const vectors = ["subscription-tag", "subscription-sql"]
    .flatMap((kind) => readConsumerVectors<Input, Expected>("subscription", kind));
  for (const { name, input, expected, error } of vectors) {
    const { topic, type: expressionType } = input, expression = input.expression ?? "*";
    const compute = () => subscriptionData({ topic, expression, expressionType });
    if (error !== undefined) {
      assertThrows(compute, InvalidArgumentError, topic === "Orders" ? "no tag" : "empty");
      continue;
    }
    const data = compute() as unknown as Expected;
    assertEquals(
      [data.subString, data.expressionType, data.tagsSet.toSorted(), data.codeSet.toSorted()],
      [
        expected.subString,
        expected.expressionType,
        expected.tagsSet.toSorted(),
        expected.codeSet.toSorted(),
      ],
      name,
    );
  }
});

Deno.test("subscription - hashes a tag like Java", () => {
  for (
    const { input, expected } of readConsumerVectors<{ tag: string }, number>(
      "subscription",
      "tag-code",
    )
  ) {
    assertEquals(javaStringHash(input.tag), expected, input.tag);
  }
});

Deno.test("subscription - compares the tags themselves, because two can share a hash", () => {
  assertEquals(javaStringHash("Aa"), javaStringHash("BB"));
  const [some, all, sql] = readSubscriptions({
    orders: { tags: ["Aa", "paid"] },
    refunds: "*",
    audit: { sql: "amount > 100" },
  }, 7);
  assertEquals(["Aa", "BB", "paid", undefined].map((tag) => some!.matches(tag)), [
    true,
    false,
    true,
    false,
  ]);
  assertEquals([all!.matches(undefined), sql!.matches("x")], [true, true]);
  assertEquals(
    [some, all, sql].map((one) => [one!.expression, one!.expressionType, one!.version]),
    [
      ["Aa||paid", "TAG", 7],
      ["*", "TAG", 7],
      ["amount > 100", "SQL92", 7],
    ],
  );
});

Deno.test("subscription - says what is wrong with one that selects nothing or cannot be meant", () => {
  const wrong: [unknown, string][] = [
    [undefined, "at least one topic"],
    [[], "at least one topic"],
    [{}, "at least one topic"],
    [{ orders: "||" }, "names no tag"],
    [{ orders: "|| ||" }, "names no tag"],
    [{ orders: { tags: [] } }, "names no tag"],
    [{ orders: { tags: ["a||b"] } }, 'the tag "a||b"'],
    [{ orders: { tags: [" a"] } }, 'the tag " a"'],
    [{ orders: { tags: [1] } }, 'the tag "1"'],
    [{ orders: "paid || *" }, 'has "*" beside'],
    [{ orders: " * " }, 'has "*" beside'],
    [{ orders: { sql: " " } }, "must be"],
    [{ orders: { sql: "a > 1", tags: ["b"] } }, "must be"],
    [{ orders: null }, "must be"],
  ];
  for (const [value, part] of wrong) {
    // deno-lint-ignore no-explicit-any
    assertThrows(() => readSubscriptions(value as any, 0), InvalidArgumentError, part);
  }
});
