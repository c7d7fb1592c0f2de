import type { BaseHandler } from "./base_handler.ts";
import {
  getLevelByName,
  getLevelName,
  type LevelName,
  type LogLevel,
  LogLevels,
} from "./levels.ts";

// deno-lint-ignore no-explicit-any
export type GenericFunction = (...args: any[]) => any;

/** What a {@linkcode LogRecord} is made of. */
export interface LogRecordOptions {
  /** The message. */
  msg: string;
  /** What was passed beside the message. */
  args: unknown[];
  /** The level. */
  level: LogLevel;
  /** Name of the logger. */
  loggerName: string;
}

/** How `setup()` makes a logger. */
export class LoggerConfig {
  /** Lowest level that is logged. */
  level?: LevelName;
  /** Names of its handlers. */
  handlers?: string[];
}

/** What `setup()` takes. */
export interface LogConfig {
  /** Handlers by name. */
  handlers?: { [name: string]: BaseHandler };
  /** Loggers by name. */
  loggers?: { [name: string]: LoggerConfig };
}

/** One thing that was logged. */
export class LogRecord {
  /** The message. */
  readonly msg: string;
  /** Number of the level. */
  readonly level: number;
  /** Name of the level. */
  readonly levelName: string;
  /** Name of the logger. */
  readonly loggerName: string;
  #args: unknown[];
  #datetime = new Date();

  /** Made by a logger; dated now. */
  constructor(options: LogRecordOptions) {
    this.msg = options.msg;
    this.level = options.level;
    this.levelName = getLevelName(options.level);
    this.loggerName = options.loggerName;
    this.#args = [...options.args];
  }

  /** What was passed beside the message. */
  get args(): unknown[] {
    return [...this.#args];
  }

  /** When it was logged. */
  get datetime(): Date {
    return new Date(this.#datetime);
  }
}

/** Options of {@linkcode Logger}. */
export interface LoggerOptions {
  /** Where its records go. */
  handlers?: BaseHandler[];
}

/** Makes records and hands them to its handlers. */
export class Logger {
  /** Where its records go. */
  handlers: BaseHandler[];
  readonly #loggerName: string;
  #level: LogLevel;

  /** Made by `setup()` and `getLogger()`. */
  constructor(loggerName: string, levelName: LevelName, options: LoggerOptions = {}) {
    this.#loggerName = loggerName;
    this.#level = getLevelByName(levelName);
    this.handlers = options.handlers ?? [];
  }

  /** The lowest level that is logged. */
  get level(): LogLevel {
    return this.#level;
  }

  /** Sets the lowest level that is logged. */
  set level(level: LogLevel) {
    if (!Object.values(LogLevels).includes(level)) {
      throw new TypeError(`Invalid log level: ${level}`);
    }
    this.#level = level;
  }

  /** Name of the lowest level that is logged. */
  get levelName(): LevelName {
    return getLevelName(this.#level);
  }

  /** Sets the lowest level that is logged, by name. */
  set levelName(levelName: LevelName) {
    this.#level = getLevelByName(levelName);
  }

  /** The name it was got by. */
  get loggerName(): string {
    return this.#loggerName;
  }

  /** Logs at `DEBUG`; a function is only called when that level is logged. */
  debug<T>(msg: () => T, ...args: unknown[]): T | undefined;
  /** Logs at `DEBUG`. */
  debug<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  debug<T>(msg: T | (() => T), ...args: unknown[]): T | undefined {
    return this.#log(LogLevels.DEBUG, msg, args);
  }

  /** Logs at `INFO`; a function is only called when that level is logged. */
  info<T>(msg: () => T, ...args: unknown[]): T | undefined;
  /** Logs at `INFO`. */
  info<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  info<T>(msg: T | (() => T), ...args: unknown[]): T | undefined {
    return this.#log(LogLevels.INFO, msg, args);
  }

  /** Logs at `WARN`; a function is only called when that level is logged. */
  warn<T>(msg: () => T, ...args: unknown[]): T | undefined;
  /** Logs at `WARN`. */
  warn<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  warn<T>(msg: T | (() => T), ...args: unknown[]): T | undefined {
    return this.#log(LogLevels.WARN, msg, args);
  }

  /** Logs at `ERROR`; a function is only called when that level is logged. */
  error<T>(msg: () => T, ...args: unknown[]): T | undefined;
  /** Logs at `ERROR`. */
  error<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  error<T>(msg: T | (() => T), ...args: unknown[]): T | undefined {
    return this.#log(LogLevels.ERROR, msg, args);
  }

  #log<T>(level: LogLevel, msg: T | (() => T), args: unknown[]): T | undefined {
    const isLogged = level >= this.#level;
    if (msg instanceof Function && !isLogged) return undefined;
    const value = msg instanceof Function ? msg() : msg;
    if (!isLogged) return value;
    const loggerName = this.#loggerName;
    const record = new LogRecord({ msg: asText(value), args, level, loggerName });
    for (const handler of this.handlers) handler.handle(record);
    return value;
  }
}

function asText(value: unknown, isProperty = false): string {
  if (typeof value === "string") return isProperty ? `"${value}"` : value;
  if (value instanceof Error) return value.stack!;
  if (typeof value === "function") return "undefined";
  if (typeof value !== "object" || value === null) return String(value);
  const entries = Object.entries(value).map(([key, item]) => `"${key}":${asText(item, true)}`);
  return `{${entries.join(",")}}`;
}
