import { getLevelByName, getLevelName, type LevelName, type LogLevel } from "./levels.ts";
import type { LogRecord } from "./logger.ts";

export type { LevelName, LogLevel, LogRecord };

/** Makes the text of a record. */
export type FormatterFunction = (logRecord: LogRecord) => string;

/** Options of {@linkcode BaseHandler}. */
export interface BaseHandlerOptions {
  /** Makes the text of a record (default: level name and message). */
  formatter?: FormatterFunction;
}

/** Where records go. */
export abstract class BaseHandler {
  #level: LogLevel;
  /** Makes the text of a record. */
  formatter: FormatterFunction;

  /** Records below `levelName` are dropped. */
  constructor(levelName: LevelName, options?: BaseHandlerOptions) {
    this.#level = getLevelByName(levelName);
    this.formatter = options?.formatter ?? ((record) => `${record.levelName} ${record.msg}`);
  }

  /** The lowest level that is kept. */
  get level(): LogLevel {
    return this.#level;
  }

  /** Sets the lowest level that is kept. */
  set level(level: LogLevel) {
    this.#level = getLevelByName(getLevelName(level));
  }

  /** Name of the lowest level that is kept. */
  get levelName(): LevelName {
    return getLevelName(this.#level);
  }

  /** Sets the lowest level that is kept, by name. */
  set levelName(levelName: LevelName) {
    this.#level = getLevelByName(levelName);
  }

  /** Writes a record, unless its level is too low. */
  handle(logRecord: LogRecord): void {
    if (logRecord.level >= this.#level) this.log(this.format(logRecord));
  }

  /** The text of a record. */
  format(logRecord: LogRecord): string {
    return this.formatter(logRecord);
  }

  /** Writes the text of a record. */
  abstract log(msg: string): void;

  /** Called when the handler is put into service. */
  setup(): void {}

  /** Called when the handler is taken out of service. */
  destroy(): void {}

  /** Calls `destroy()`. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}
