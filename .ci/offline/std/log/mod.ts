/**
 * Stand-in for `@std/log` where JSR can't be reached: what this module, its tests and its examples
 * call.
 *
 * @module
 */
export * from "./base_handler.ts";
export * from "./console_handler.ts";
export * from "./get_logger.ts";
export * from "./levels.ts";
export * from "./logger.ts";
export * from "./setup.ts";
