import { BaseHandler, type BaseHandlerOptions } from "./base_handler.ts";
import { type LevelName, LogLevels } from "./levels.ts";
import type { LogRecord } from "./logger.ts";

/** Options of {@linkcode ConsoleHandler}. */
export interface ConsoleHandlerOptions extends BaseHandlerOptions {
  /** Whether a line has the colour of its level (default: true). */
  useColors?: boolean;
}

const COLORS: ReadonlyMap<number, [open: string, close: string]> = new Map([
  [LogLevels.INFO, ["\x1b[34m", "\x1b[39m"]],
  [LogLevels.WARN, ["\x1b[33m", "\x1b[39m"]],
  [LogLevels.ERROR, ["\x1b[31m", "\x1b[39m"]],
  [LogLevels.CRITICAL, ["\x1b[1m\x1b[31m", "\x1b[39m\x1b[22m"]],
]);

/** As the real one, which runs elsewhere too, asks only a Deno that is there. */
const isColorless = (globalThis as { Deno?: { noColor?: boolean } }).Deno?.noColor ?? false;

/** Writes records with `console.log`. */
export class ConsoleHandler extends BaseHandler {
  #useColors: boolean;

  /** Records below `levelName` are dropped. */
  constructor(levelName: LevelName, options: ConsoleHandlerOptions = {}) {
    super(levelName, options);
    this.#useColors = options.useColors ?? true;
  }

  /** The text of a record, in the colour of its level. */
  override format(logRecord: LogRecord): string {
    const text = super.format(logRecord);
    const color = COLORS.get(logRecord.level);
    return this.#useColors && color && !isColorless ? `${color[0]}${text}${color[1]}` : text;
  }

  /** Writes a line. */
  log(msg: string): void {
    // deno-lint-ignore no-console
    console.log(msg);
  }
}
