import { assertEquals } from "./equals.ts";

type Bag = Record<PropertyKey, unknown>;

/** Asserts that `actual` has everything that `expected` has; it may have more. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  assertEquals(pick(actual, expected), pick(expected, expected), msg);
}

/** The part of `actual` that `expected` speaks of. */
function pick(actual: unknown, expected: unknown, path: unknown[] = []): unknown {
  if (!isContainer(actual) || !isContainer(expected) || path.includes(expected)) return actual;
  const deeper = [...path, expected];
  if (Array.isArray(actual) && Array.isArray(expected)) {
    return actual.slice(0, expected.length).map((item, i) => pick(item, expected[i], deeper));
  }
  if (actual instanceof Map && expected instanceof Map) {
    const shared = [...actual].filter(([key]) => expected.has(key));
    return new Map(shared.map(([key, value]) => [key, pick(value, expected.get(key), deeper)]));
  }
  if (actual instanceof Set && expected instanceof Set) return actual.intersection(expected);
  const keys = Reflect.ownKeys(expected).filter((key) => Object.hasOwn(actual, key));
  return Object.fromEntries(
    keys.map((key) => [key, pick((actual as Bag)[key], (expected as Bag)[key], deeper)]),
  );
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null && !(value instanceof RegExp) &&
    !(value instanceof Date);
}
