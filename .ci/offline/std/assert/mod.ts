/**
 * Stand-in for `@std/assert` where JSR can't be reached: the assertions that our tests call, with
 * the real signatures.
 *
 * @module
 */
export * from "./assertion_error.ts";
export * from "./conditions.ts";
export * from "./equal.ts";
export { assertEquals, assertNotEquals, assertStrictEquals } from "./equals.ts";
export * from "./object_match.ts";
export * from "./throws.ts";
