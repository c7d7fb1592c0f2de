import type { BaseHandler } from "./base_handler.ts";
import type { Logger } from "./logger.ts";

/** The table that `setup()` replaces, shared by the whole process as in the real package. */
export const state = {
  handlers: new Map<string, BaseHandler>(),
  loggers: new Map<string, Logger>(),
};
