// In full: `deno pack` finds the package of a name from the import map, and leaves the name as it is.
import { getLogger } from "jsr:@std/log@^0.224.14/get-logger";
import type { Clock } from "./clock.ts";
import { printable } from "./errors.ts";

/**
 * Takes what the client reports. `console` fits, and so does any structured logger with these four
 * methods. Message bodies, secret keys and tokens are never passed.
 */
export interface Logger {
  /** Takes details that help to find a fault. */
  debug(message: string, fields?: Record<string, unknown>): void;
  /** Takes events of normal operation: started, connected, closed. */
  info(message: string, fields?: Record<string, unknown>): void;
  /** Takes what went wrong when the client goes on by itself. */
  warn(message: string, fields?: Record<string, unknown>): void;
  /** Takes what went wrong when a person has to look at it. */
  error(message: string, fields?: Record<string, unknown>): void;
}

/**
 * The default logger: `@std/log`'s logger named `rocketmq`, silent until the application calls
 * `setup()`. It is fetched at each call, because `setup()` replaces the loggers made before it.
 */
export const defaultLogger: Logger = {
  debug: (message, fields) => void getLogger("rocketmq").debug(message, fields),
  info: (message, fields) => void getLogger("rocketmq").info(message, fields),
  warn: (message, fields) => void getLogger("rocketmq").warn(message, fields),
  error: (message, fields) => void getLogger("rocketmq").error(message, fields),
};

/**
 * Guards a logger of the user. It gets one line at a time without control characters, whatever a
 * server said. If it throws, the line is lost and the client goes on.
 */
export function guardLogger(logger: Logger): Logger {
  const guard = (level: keyof Logger): Logger[keyof Logger] => (message, fields) => {
    try {
      logger[level](printable(message, 4096), fields);
    } catch {
      // There is nowhere left to report it.
    }
  };
  return {
    debug: guard("debug"),
    info: guard("info"),
    warn: guard("warn"),
    error: guard("error"),
  };
}

/**
 * Passes each kind of warning at most once in `interval` milliseconds. So a misbehaving peer can't
 * flood the log.
 */
export class ThrottledLogger {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #lastAt = new Map<string, number>();

  constructor(logger: Logger, clock: Clock, interval = 60_000) {
    this.#logger = logger;
    this.#clock = clock;
    this.#interval = interval;
  }

  warn(kind: string, message: string, fields?: Record<string, unknown>): void {
    const now = this.#clock.monotonic(), last = this.#lastAt.get(kind);
    if (last !== undefined && now - last < this.#interval) return;
    this.#lastAt.set(kind, now);
    this.#logger.warn(message, fields);
  }
}
