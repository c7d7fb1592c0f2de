import { eventually } from "./progress.ts";

const LAST_LINES = 30;

/** The set-up of the logging library, and stack frames outside of RocketMQ. */
const NOISE = /^[\d:,]+ \|-|^\s+at (?!org\.apache\.rocketmq)/;

/** How a {@linkcode ServerProcess} is started and recognised. */
export interface ServerProcessOptions {
  /** For messages, for instance `broker-a`. */
  name: string;
  /** `host:port` on which it will listen. */
  address: string;
  /** An existing folder of its own, in which it works and leaves its logs. */
  folder: string;
  /** Executable and arguments. */
  command: readonly string[];
  /** Environment beyond that of this process. */
  env: Record<string, string>;
  /** Whether it can be used by now. */
  isReady: () => Promise<boolean>;
}

/**
 * A Java process of the cluster, which can be ended and started again on the same port and store.
 *
 * It is started through a shell in the background, so this runtime holds no resource for it: it may
 * be started in one test and ended in another with all sanitizers on.
 */
export class ServerProcess {
  /** For messages, for instance `broker-a`. */
  readonly name: string;
  /** Its configuration, store and logs. */
  readonly folder: string;
  readonly #options: ServerProcessOptions;
  #pid: number | undefined;
  #isSuspended = false;
  #address: string;

  /** Nothing is started yet. */
  constructor(options: ServerProcessOptions) {
    this.#options = options;
    this.name = options.name;
    this.#address = options.address;
    this.folder = options.folder;
  }

  /** `host:port` of the remoting protocol. */
  get address(): string {
    return this.#address;
  }

  /** Lets it listen elsewhere from its next start on, with these settings in place of earlier ones. */
  async moveTo(address: string, settings: Readonly<Record<string, string>>): Promise<void> {
    if (this.isRunning) throw new Error(`Cannot move ${this.name}: it is running`);
    this.#address = address;
    const file = `${this.folder}/conf/server.conf`;
    const lines = (await Deno.readTextFile(file)).split("\n");
    const kept = lines.filter((line) => !Object.hasOwn(settings, line.split("=")[0]!));
    const added = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    await Deno.writeTextFile(file, [...added, ...kept].join("\n"));
  }

  /** The process id; throws when it is not running. */
  get pid(): number {
    if (this.#pid === undefined || !this.isRunning) {
      throw new Error(`Cannot give the process id of ${this.name}: it is not running`);
    }
    return this.#pid;
  }

  /** Whether the process exists, suspended or not. */
  get isRunning(): boolean {
    if (this.#pid === undefined) return false;
    try {
      return Deno.statSync(`${this.folder}/exit`).size === 0;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return true;
      throw error;
    }
  }

  /** Whether it is running and may answer. */
  get isResponsive(): boolean {
    return this.isRunning && !this.#isSuspended;
  }

  /**
   * Starts the process and resolves as soon as it can be used. Rejects with the end of its log if
   * it ends before that, or has taken `timeout` milliseconds (default 120 000: a loaded machine).
   */
  async start({ timeout = 120_000 }: { timeout?: number } = {}): Promise<void> {
    if (this.isRunning) throw new Error(`Cannot start ${this.name}: it is already running`);
    await this.#spawn();
    const isSettled = await eventually(
      async () => !this.isRunning || await this.#options.isReady(),
      timeout,
    );
    if (isSettled && this.isRunning) return;
    const what = isSettled ? "it ended at once" : `it was not ready after ${timeout} ms`;
    await this.kill();
    throw new Error(
      `Cannot start ${this.name} on ${this.#address}: ${what}\n${await this.#lastWords()}`,
    );
  }

  /**
   * Ends it with SIGTERM, as an operator would, and with SIGKILL after `timeout` milliseconds
   * (default 60 000). A broker takes some fifteen seconds to shut down even when it has nothing to do.
   */
  async stop({ timeout = 60_000 }: { timeout?: number } = {}): Promise<void> {
    this.resume();
    this.#signal("SIGTERM");
    if (!await this.#ended(timeout)) await this.kill();
  }

  /** Ends it with SIGKILL: nothing is flushed, no one is told. */
  async kill(): Promise<void> {
    this.#signal("SIGKILL");
    this.#isSuspended = false;
    if (!await this.#ended(10_000)) throw new Error(`Cannot kill ${this.name}: it goes on`);
  }

  /** Freezes it (SIGSTOP): connections stay open, nothing is answered. */
  suspend(): void {
    this.#signal("SIGSTOP");
    this.#isSuspended = this.isRunning;
  }

  /** Lets it go on after {@linkcode ServerProcess.suspend}. */
  resume(): void {
    this.#signal("SIGCONT");
    this.#isSuspended = false;
  }

  /** What it has written to its console and its own log file, over all its runs. */
  async log(): Promise<string> {
    const folder = `${this.folder}/logs/rocketmqlogs`;
    const files = [`${this.folder}/console.log`, `${folder}/namesrv.log`, `${folder}/broker.log`];
    const texts = await Promise.all(files.map((file) => Deno.readTextFile(file).catch(() => "")));
    return texts.join("");
  }

  async #spawn(): Promise<void> {
    const { code } = await new Deno.Command("sh", {
      args: [`${import.meta.dirname}/launch.sh`, this.folder, ...this.#options.command],
      cwd: this.folder,
      env: this.#options.env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    if (code !== 0) throw new Error(`Cannot start ${this.name}: the shell ended with ${code}`);
    this.#pid = Number(await Deno.readTextFile(`${this.folder}/pid`));
    this.#isSuspended = false;
  }

  #signal(signal: Deno.Signal): void {
    if (!this.isRunning) return;
    try {
      Deno.kill(this.#pid!, signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #ended(timeout: number): Promise<boolean> {
    return await eventually(() => !this.isRunning, timeout, 20);
  }

  /** The end of its console without what a reader has no use for. */
  async #lastWords(): Promise<string> {
    const lines = (await Deno.readTextFile(`${this.folder}/console.log`).catch(() => "")).split(
      "\n",
    );
    const telling = lines.filter((line) => line.trim() !== "" && !NOISE.test(line));
    return telling.slice(-LAST_LINES).join("\n") || "It has not written a word to its console";
  }
}
