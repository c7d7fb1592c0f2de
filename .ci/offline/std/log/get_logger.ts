import { Logger } from "./logger.ts";
import { state } from "./state.ts";

export type { Logger };

/** The logger of that name; one that `setup()` does not know has no handlers and is silent. */
export function getLogger(name?: string): Logger {
  const known = state.loggers.get(name || "default");
  if (known) return known;
  if (!name) throw new Error(`"default" logger must be set for getting logger without name`);
  const silent = new Logger(name, "NOTSET", { handlers: [] });
  state.loggers.set(name, silent);
  return silent;
}
