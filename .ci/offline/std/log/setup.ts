import type { BaseHandler } from "./base_handler.ts";
import { ConsoleHandler } from "./console_handler.ts";
import { type LogConfig, Logger } from "./logger.ts";
import { state } from "./state.ts";

const DEFAULTS = {
  handlers: { default: new ConsoleHandler("INFO") },
  loggers: { default: { level: "INFO", handlers: ["default"] } },
} as const satisfies { handlers: LogConfig["handlers"]; loggers: unknown };

/** Replaces all handlers and loggers. Loggers that were got before go on as they were. */
export function setup(config: LogConfig): void {
  for (const handler of state.handlers.values()) handler.destroy();
  state.handlers.clear();
  state.loggers.clear();
  const handlers: Record<string, BaseHandler> = { ...DEFAULTS.handlers, ...config.handlers };
  for (const [name, handler] of Object.entries(handlers)) {
    handler.setup();
    state.handlers.set(name, handler);
  }
  for (const [name, logger] of Object.entries({ ...DEFAULTS.loggers, ...config.loggers })) {
    const own = (logger.handlers ?? []).flatMap((name) => state.handlers.get(name) ?? []);
    state.loggers.set(name, new Logger(name, logger.level ?? "INFO", { handlers: own }));
  }
}

setup({});
