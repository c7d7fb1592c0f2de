// Where JSR can be reached, these tests compare the stand-ins with the packages that they stand in
// for; elsewhere `@std` is the stand-in itself, and the expectations are those of the real one.
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import * as realAssert from "@std/assert";
import * as standInAssert from "../.ci/offline/std/assert/mod.ts";

const ASSERTS: [name: string, module: typeof standInAssert][] = [
  ["real", realAssert],
  ["stand-in", standInAssert],
];

class Point {
  #x: number;
  y: number;
  constructor(x: number, y = 0) {
    this.#x = x;
    this.y = y;
  }
  get x(): number {
    return this.#x;
  }
}

function cycle(value: number): unknown {
  const object: Record<string, unknown> = { value };
  object.self = object;
  return object;
}

const nullPrototype = Object.assign(Object.create(null), { a: 1 });

const EQUALITY: [what: string, a: unknown, b: unknown, isEqual: boolean][] = [
  ["numbers", 1, 1, true],
  ["a number and its text", 1, "1", false],
  ["zero and minus zero", 0, -0, true],
  ["NaN", NaN, NaN, true],
  ["null and undefined", null, undefined, false],
  ["bigints", 2n ** 63n, 2n ** 63n, true],
  ["a bigint and a number", 1n, 1, false],
  ["a plain object and one without a prototype", { a: 1 }, nullPrototype, true],
  ["a missing and an undefined property", { a: 1, b: undefined }, { a: 1 }, false],
  ["swapped undefined properties", { a: undefined }, { b: undefined }, false],
  ["properties in another order", { a: 1, b: { c: 2 } }, { b: { c: 2 }, a: 1 }, true],
  ["arrays", [1, [2]], [1, [2]], true],
  ["arrays of different length", [1], [1, 2], false],
  ["a hole and undefined", [, 1], [undefined, 1], false],
  ["byte arrays", new Uint8Array([1, 2]), new Uint8Array([1, 2]), true],
  ["a slice of a buffer", new Uint8Array([0, 1]).subarray(1), new Uint8Array([1]), true],
  ["different byte arrays", new Uint8Array([1, 2]), new Uint8Array([1, 3]), false],
  ["a byte array and an array", new Uint8Array([1]), [1], false],
  ["buffers", new Uint8Array([1]).buffer, new Uint8Array([2]).buffer, false],
  ["dates", new Date(5), new Date(5), true],
  ["different dates", new Date(5), new Date(6), false],
  ["regular expressions", /a/g, /a/i, false],
  ["URLs", new URL("http://a/"), new URL("http://a"), true],
  ["sets of objects", new Set([{ a: 1 }, { b: 2 }]), new Set([{ b: 2 }, { a: 1 }]), true],
  ["different sets", new Set([1, 2]), new Set([1, 3]), false],
  ["maps", new Map([["a", { b: 1 }]]), new Map([["a", { b: 1 }]]), true],
  ["maps of other values", new Map([["a", 1]]), new Map([["a", 2]]), false],
  ["a map and a set", new Map(), new Set(), false],
  ["errors of one message", new TypeError("a"), new TypeError("a"), false],
  ["errors of other messages", new TypeError("a"), new TypeError("b"), false],
  ["class instances", new Point(1), new Point(1), true],
  ["class instances that a getter tells apart", new Point(1), new Point(2), false],
  ["an instance and a plain object", new Point(1, 2), { y: 2 }, false],
  ["cycles", cycle(1), cycle(1), true],
  ["different cycles", cycle(1), cycle(2), false],
  ["symbols as keys", { [Symbol.iterator]: 1 }, { [Symbol.iterator]: 2 }, false],
  ["one function", assertEquals, assertEquals, true],
  ["two functions", () => {}, () => {}, false],
];

for (const [name, std] of ASSERTS) {
  Deno.test(`@std/assert, ${name} - equality is deep and knows every type`, () => {
    for (const [what, a, b, isEqual] of EQUALITY) {
      assertEquals([what, std.equal(a, b)], [what, isEqual]);
      assertEquals([what, std.equal(b, a)], [what, isEqual]);
    }
    std.assertEquals(nullPrototype, { a: 1 });
    std.assertNotEquals<unknown>(1, 2);
    const error = assertThrows(() => std.assertEquals({ a: 1 }, { a: 2 }, "why"));
    assertInstanceOf(error, std.AssertionError);
    assert(error.message.startsWith("Values are not equal: why\n"));
    assertThrows(() => std.assertNotEquals([1], [1]), std.AssertionError, "not to be");
  });

  Deno.test(`@std/assert, ${name} - an object matches when it has what is asked for`, () => {
    std.assertObjectMatch({ a: 1, b: { c: [1, { d: 2, e: 3 }], f: 4 } }, {
      b: { c: [1, { d: 2 }] },
    });
    std.assertObjectMatch({
      a: new Date(5),
      b: new Map([["c", { d: 1, e: 2 }], ["f", { d: 3, e: 4 }]]),
    }, {
      a: new Date(5),
      b: new Map([["c", { d: 1 }]]),
    });
    std.assertObjectMatch(new Point(1, 2), { y: 2 });
    const broken: [Record<string, unknown>, Record<string, unknown>][] = [
      [{ a: 1 }, { a: 2 }],
      [{ a: 1 }, { b: 1 }],
      [{ a: { b: 1 } }, { a: { c: undefined } }],
      [{ a: [1] }, { a: [1, 2] }],
    ];
    for (const [actual, expected] of broken) {
      assertThrows(() => std.assertObjectMatch(actual, expected), std.AssertionError);
    }
  });

  Deno.test(`@std/assert, ${name} - what is thrown is checked and returned`, async () => {
    const error = new TypeError("Cannot do: it");
    const doThrow = () => {
      throw error;
    };
    const doReject = () => Promise.reject(error);
    assert(std.assertThrows(doThrow, TypeError, "do: it") === error);
    assert(std.assertThrows(doThrow, Error) === error);
    assert(await std.assertRejects(doReject, TypeError, "Cannot") === error);
    assert(await std.assertRejects(doReject) === error);
    assertThrows(() => std.assertThrows(() => 1), std.AssertionError, "Expected function to throw");
    assertThrows(() => std.assertThrows(doThrow, RangeError), std.AssertionError, "RangeError");
    assertThrows(() => std.assertThrows(doThrow, TypeError, "x"), std.AssertionError, `"x"`);
    await assertRejects(
      () => std.assertRejects(() => Promise.resolve(1)),
      std.AssertionError,
      "Expected function to reject",
    );
    await assertRejects(
      () => std.assertRejects(doThrow, TypeError),
      std.AssertionError,
      "Function throws when expected to reject",
    );
    await assertRejects(
      () => std.assertRejects(() => Promise.reject("text"), TypeError),
      std.AssertionError,
      "A non-Error object was rejected",
    );
  });

  Deno.test(`@std/assert, ${name} - every condition can hold and can fail`, () => {
    const holds: (() => void)[] = [
      () => std.assert(1),
      () => std.assertFalse(0),
      () => std.assertExists(""),
      () => std.assertStrictEquals(NaN, NaN),
      () => std.assertInstanceOf(new TypeError(), Error),
      () => std.assertMatch("abc", /b/),
      () => std.assertStringIncludes("abc", "b"),
      () => std.assertGreater(2n, 1n),
      () => std.assertGreaterOrEqual(2, 2),
      () => std.assertLess(1, 2),
      () => std.assertLessOrEqual(2, 2),
      () => std.assertAlmostEquals(0.1 + 0.2, 0.3),
      () => std.assertAlmostEquals(10, 12, 2),
    ];
    const fails: (() => void)[] = [
      () => std.assert(""),
      () => std.assertFalse([]),
      () => std.assertExists(null),
      () => std.assertStrictEquals(0, -0),
      () => std.assertStrictEquals({}, {}),
      () => std.assertInstanceOf(Object.create(null), Error),
      () => std.assertMatch("abc", /d/),
      () => std.assertStringIncludes("abc", "d"),
      () => std.assertGreater(1, 1),
      () => std.assertGreaterOrEqual(1, NaN),
      () => std.assertLess("b", "a"),
      () => std.assertLessOrEqual(2, 1),
      () => std.assertAlmostEquals(1, 1.001),
      () => std.fail("x"),
      () => std.unreachable(),
    ];
    for (const check of holds) check();
    for (const check of fails) assertThrows(check, std.AssertionError);
  });
}
