import type { Logger } from "../../src/logger.ts";

/** A line of a log. */
export interface LogLine {
  level: keyof Logger;
  message: string;
  fields: Record<string, unknown> | undefined;
}

/** A logger that keeps what it is told. */
export class RecordingLogger implements Logger {
  /** Everything that was logged. */
  readonly lines: LogLine[] = [];

  debug(message: string, fields?: Record<string, unknown>): void {
    this.lines.push({ level: "debug", message, fields });
  }

  info(message: string, fields?: Record<string, unknown>): void {
    this.lines.push({ level: "info", message, fields });
  }

  warn(message: string, fields?: Record<string, unknown>): void {
    this.lines.push({ level: "warn", message, fields });
  }

  error(message: string, fields?: Record<string, unknown>): void {
    this.lines.push({ level: "error", message, fields });
  }

  /** The messages that contain a text. */
  matching(text: string, level?: keyof Logger): string[] {
    return this.lines
      .filter((line) => line.message.includes(text) && (level ?? line.level) === line.level)
      .map((line) => line.message);
  }
}
