// In full: `deno pack` finds the package of a name from the import map, and leaves the name as it is.
import { getLogger } from "jsr:@std/log@^0.224.14/get-logger";
// Sets up the default logger of @std/log, which is empty without it.
import "jsr:@std/log@^0.224.14/setup";
import type { Clock } from "./clock.ts";
import { InvalidArgumentError, printable } from "./errors.ts";

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

const LEVELS = ["debug", "info", "warn", "error"] as const;

/**
 * Logs to `@std/log`'s logger `rocketmq`, if the application has set one up. Otherwise warnings and errors
 * go to its default logger, which prints them, and the rest nowhere. The logger is looked up at each call,
 * because `setup()` replaces the loggers that were there before.
 */
export const defaultLogger: Logger = {
  debug: (message, fields) => logByStd("debug", message, fields),
  info: (message, fields) => logByStd("info", message, fields),
  warn: (message, fields) => logByStd("warn", message, fields),
  error: (message, fields) => logByStd("error", message, fields),
};

function logByStd(level: keyof Logger, message: string, fields?: Record<string, unknown>): void {
  const own = getLogger("rocketmq");
  // A logger that nobody has set up has no level and no handlers.
  if (own.levelName !== "NOTSET" || own.handlers.length > 0) {
    return void own[level](message, fields);
  }
  if (level === "warn" || level === "error") getLogger()[level](`rocketmq: ${message}`, fields);
}

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Checks a logger of the user, and guards it. It gets one line at a time without control characters,
 * whatever a server said. If it throws, the line is lost and the client goes on.
 *
 * @throws {InvalidArgumentError} when it lacks a method.
 */
export function guardLogger(logger: Logger | false = defaultLogger): Logger {
  if (logger === false) return SILENT;
  const given = logger as Partial<Record<keyof Logger, unknown>> | null;
  const missing = LEVELS.filter((level) => typeof given?.[level] !== "function");
  if (missing.length > 0) {
    throw new InvalidArgumentError(
      `Cannot use option logger: it has no method ${
        missing.join(", ")
      }; console fits, false silences`,
    );
  }
  const guard = (level: keyof Logger): Logger[keyof Logger] => (message, fields) => {
    try {
      const line = printable(message, 4096);
      if (fields === undefined) logger[level](line);
      else logger[level](line, fields);
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

/** What is remembered of one kind of line. */
interface Kind {
  lastAt: number;
  /** Lines that were left out since. */
  leftOut: number;
}

/**
 * Passes each kind of line at most once in `interval` milliseconds, and says how many were left out. So a
 * misbehaving peer can't flood the log.
 */
export class ThrottledLogger {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #kinds = new Map<string, Kind>();

  constructor(logger: Logger, clock: Clock, interval = 60_000) {
    this.#logger = logger;
    this.#clock = clock;
    this.#interval = interval;
  }

  warn(kind: string, message: string, fields?: Record<string, unknown>): void {
    this.#log("warn", kind, message, fields);
  }

  error(kind: string, message: string, fields?: Record<string, unknown>): void {
    this.#log("error", kind, message, fields);
  }

  #log(
    level: "warn" | "error",
    kind: string,
    message: string,
    fields: Record<string, unknown> | undefined,
  ): void {
    const now = this.#clock.monotonic(), known = this.#kinds.get(kind);
    if (known && now - known.lastAt < this.#interval) {
      known.leftOut++;
      return;
    }
    this.#kinds.set(kind, { lastAt: now, leftOut: 0 });
    const more = known?.leftOut ? ` (${known.leftOut} more like this since the last line)` : "";
    this.#logger[level](message + more, fields);
  }
}
