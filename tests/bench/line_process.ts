import { ENDS_WITH_INPUT } from "./end_with_input.ts";

/** A program of this folder in a process of its own, which writes lines and is told lines. */
export class LineProcess implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #clients: LineProcess[] = [];
  /** At Ctrl+C: all are ended at once, clients first, as they would tell of the end of their server. */
  readonly #interrupt = (): void => {
    this.#kill();
    setTimeout(() => Deno.exit(130));
  };
  #isKilled = false;
  #rest = "";

  /** Starts it, perhaps as a client of another one. */
  constructor(module: string, args: readonly string[], server?: LineProcess) {
    // First, so that none is left behind when it comes right now.
    Deno.addSignalListener("SIGINT", this.#interrupt);
    if (server) server.#clients.push(this);
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", new URL(module, import.meta.url).href, ...args],
      env: { [ENDS_WITH_INPUT]: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#input = this.#process.stdin.getWriter();
  }

  /** The next line that it writes. */
  async readLine(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return line;
      }
      const { value, done } = await this.#lines.read();
      if (done) throw new Error("The process ended before it wrote its line");
      this.#rest += value;
    }
  }

  /** Tells it a line. */
  async writeLine(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    Deno.removeSignalListener("SIGINT", this.#interrupt);
    await this.#input.close().catch(() => {});
    this.#kill();
    await this.#lines.cancel();
    await this.#process.status;
  }

  #kill(): void {
    for (const client of this.#clients) client.#kill();
    if (!this.#isKilled) this.#process.kill("SIGKILL");
    this.#isKilled = true;
  }
}
