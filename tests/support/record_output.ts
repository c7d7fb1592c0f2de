/**
 * Keeps what this module says of itself during a test run: each log line, event and error, with
 * all that inspecting it shows, in a file below the folder that `ROCKETMQ_TESTS_RECORD` names. The
 * test command loads it before each test module, and looks for secrets in the files afterwards.
 *
 * @module
 */
import { Broadcast } from "../../src/broadcast.ts";
import { RocketMQError } from "../../src/errors.ts";
import { defaultLogger, type Logger } from "../../src/logger.ts";
import { RecordingLogger } from "./recording_logger.ts";

/** How often a text that differs in figures alone is kept: bursts say the same thing often. */
const SAME_TEXT_LIMIT = 20;

/** How many different texts are told apart; beyond, each one is kept. */
const DIFFERENT_TEXTS_LIMIT = 10_000;

const LEVELS = ["debug", "info", "warn", "error"] as const;

type Keep = (kind: string, text: string, thing: unknown) => void;

function recordInto(folder: string): Keep {
  const path = `${folder}/${crypto.randomUUID()}.txt`;
  const file = Deno.openSync(path, { create: true, append: true }), encoder = new TextEncoder();
  const seen = new Map<string, number>();
  return (kind, text, thing) => {
    const key = text.replace(/[0-9A-F]{32}|\d+/g, "#"), count = (seen.get(key) ?? 0) + 1;
    if (count > SAME_TEXT_LIMIT) return;
    if (count > 1 || seen.size < DIFFERENT_TEXTS_LIMIT) seen.set(key, count);
    const shown = Deno.inspect(thing, { depth: 10, strAbbreviateSize: Infinity });
    file.writeSync(encoder.encode(`${kind}: ${text}\n${shown}\n`));
  };
}

function recordLogs(keep: Keep): void {
  for (const logger of [defaultLogger, RecordingLogger.prototype] as Logger[]) {
    for (const level of LEVELS) {
      const log = logger[level];
      logger[level] = function (this: Logger, message, fields) {
        keep(level, message, fields);
        log.call(this, message, fields);
      };
    }
  }
}

function recordEvents(keep: Keep): void {
  const { publish } = Broadcast.prototype;
  Broadcast.prototype.publish = function (this: Broadcast<unknown>, value: unknown) {
    keep("event", String((value as { type?: unknown }).type), value);
    publish.call(this, value);
  };
}

/** A constructor calls the prototype of its class, so that is where all errors pass. */
function recordErrors(keep: Keep): void {
  class RecordedError extends Error {
    constructor(message?: string, options?: ErrorOptions) {
      super(message, options);
      queueMicrotask(() => keep("error", this.message, this));
    }
  }
  Object.setPrototypeOf(RocketMQError, RecordedError);
}

const folder = Deno.env.get("ROCKETMQ_TESTS_RECORD");
if (folder) {
  const keep = recordInto(folder);
  recordLogs(keep);
  recordEvents(keep);
  recordErrors(keep);
}
