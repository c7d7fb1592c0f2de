/** A line on a terminal that tells how far a program has come; nothing anywhere else. */
export interface StatusLine extends Disposable {
  /** Replaces what it says. */
  show(text: string): void;
}

/** Begins a status line. It is gone when it is disposed of. */
export function statusLine(): StatusLine {
  const isWatched = Deno.stderr.isTerminal() && !Deno.env.get("CI");
  const write = (text: string) => {
    if (isWatched) Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
  };
  return { show: write, [Symbol.dispose]: () => write("") };
}
