import { eventually } from "./progress.ts";

/** How a {@linkcode Program} is started. */
export interface ProgramOptions {
  /** What it may do, as `deno run` takes it: `["--allow-net"]`. It is never asked for more. */
  permissions: readonly string[];
  /** Its arguments. */
  args?: readonly string[];
  /** Variables of its environment beside those of this process. */
  env?: Readonly<Record<string, string>>;
  /** What runs the module in place of Deno, which then needs no permissions. */
  command?: readonly [string, ...string[]];
  /** The folder that it runs in. @default {that of this process} */
  cwd?: string;
}

/**
 * A TypeScript program in a process of its own, whose output is read while it runs. It ends with
 * this object at the latest.
 */
export class Program implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  #stdout = "";
  #stderr = "";
  #status: Deno.CommandStatus | undefined;

  /** Starts `deno run` on a module. */
  constructor(module: URL, { permissions, args = [], env = {}, command, cwd }: ProgramOptions) {
    const [program, ...rest] = command ? [...command, module.pathname] : [
      Deno.execPath(),
      "run",
      "--no-prompt",
      "--quiet",
      "--no-check",
      ...permissions,
      module.href,
    ];
    this.#process = new Deno.Command(program!, {
      args: [...rest, ...args],
      env: { NO_COLOR: "1", ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = Promise.all([
      read(this.#process.stdout, (text) => this.#stdout += text),
      read(this.#process.stderr, (text) => this.#stderr += text),
      this.#process.status.then((status) => this.#status = status),
    ]);
  }

  /** What it has written to stdout so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** What it has written to stderr so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** The whole lines that it has written to stdout so far. */
  get lines(): string[] {
    return this.#stdout.split("\n").slice(0, -1);
  }

  /** Everything that it has written, for the message of a failed assertion. */
  get output(): string {
    return `--- stdout\n${this.#stdout}\n--- stderr\n${this.#stderr}`;
  }

  /** Waits until `condition` holds. Throws when it does not in time, or the program ended before. */
  async until(
    what: string,
    condition: () => boolean | Promise<boolean>,
    timeout = 90_000,
  ): Promise<void> {
    let holds = false;
    const settled = async () => {
      const hasEnded = this.#status !== undefined;
      holds = await condition();
      return holds || hasEnded;
    };
    if (await eventually(settled, timeout) && holds) return;
    const end = this.#status ? `it ended with ${this.#status.code}` : `${timeout} ms have passed`;
    throw new Error(`Cannot see ${what}: ${end}\n${this.output}`);
  }

  /** Sends it a signal. */
  signal(name: Deno.Signal): void {
    this.#process.kill(name);
  }

  /** Waits for its end and gives its exit code. Throws when it goes on. */
  async exit(timeout = 90_000): Promise<number> {
    if (!await eventually(() => this.#status !== undefined, timeout)) {
      throw new Error(`Cannot see its end: ${timeout} ms have passed\n${this.output}`);
    }
    await this.#reading;
    return this.#status!.code;
  }

  /** Ends it with SIGKILL, as a crash would. */
  async kill(): Promise<void> {
    if (this.#status === undefined) {
      try {
        this.#process.kill("SIGKILL");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // it has just ended by itself
      }
    }
    await this.#reading;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

async function read(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) take(text);
}
