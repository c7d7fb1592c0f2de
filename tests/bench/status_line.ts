import { isWatched } from "../support/progress.ts";

/** A line on a terminal that tells how far a program has come; nothing anywhere else. */
export interface StatusLine extends Disposable {
  /** Replaces what it says. */
  show(text: string): void;
}

/** Begins a status line. It is gone when it is disposed of. */
export function statusLine(): StatusLine {
  const isShown = isWatched();
  const write = (text: string) => {
    if (isShown) Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
  };
  return { show: write, [Symbol.dispose]: () => write("") };
}
