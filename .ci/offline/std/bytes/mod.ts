/**
 * Stand-in for `@std/bytes` where JSR can't be reached: the functions that this module calls.
 *
 * @module
 */
export * from "./concat.ts";
export * from "./equals.ts";
