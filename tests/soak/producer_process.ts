import { TextLineStream } from "@std/streams/text-line-stream";
import type { Order, Report } from "./reports.ts";

const PROGRAM = new URL("producer_program.ts", import.meta.url);

/** The producer's process, seen from outside. It ends with this object at the latest. */
export class ProducerProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  readonly #waiting = new Map<Report["type"], (report: Report) => void>();
  #hasEnded = false;

  /** @param onReport Called with everything that it tells, in order. */
  constructor(args: readonly string[], onReport: (report: Report) => void) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-check", "--no-prompt", "--allow-net"],
        ...["--v8-flags=--expose-gc", PROGRAM.href, ...args],
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read(onReport);
  }

  /** Waits until it is registered with the brokers. */
  started(): Promise<void> {
    return this.#next("started");
  }

  /** Waits until it has reported what it has counted. */
  async sample(): Promise<void> {
    const sampled = this.#next("sample");
    await this.#order("sample");
    await sampled;
  }

  /** Has it send no more, and waits until every send has settled. Check-backs are still answered. */
  async stop(): Promise<void> {
    const stopped = this.#next("stopped");
    await this.#order("stop");
    await stopped;
  }

  /** Has it shut down and waits for its end; gives its exit code. */
  async end(): Promise<number> {
    await this.#order("end");
    await this.#reading;
    return (await this.#child.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended
    }
    await this.#input.close().catch(() => {});
    await this.#reading;
    await this.#child.status;
  }

  async #read(onReport: (report: Report) => void): Promise<void> {
    const lines = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) {
      if (!line.endsWith("}")) break; // cut short by the end of the process
      const report = JSON.parse(line) as Report;
      onReport(report);
      this.#waiting.get(report.type)?.(report);
      this.#waiting.delete(report.type);
    }
    this.#hasEnded = true;
    for (const resolve of this.#waiting.values()) resolve({ type: "ended" });
  }

  /** @throws {Error} when the process ends before. */
  async #next(type: Report["type"]): Promise<void> {
    if (this.#hasEnded) throw new Error("Cannot go on: the producer's process has ended");
    const report = await new Promise<Report>((resolve) => this.#waiting.set(type, resolve));
    if (report.type !== type) throw new Error("Cannot go on: the producer's process has ended");
  }

  async #order(order: Order): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${order}\n`)).catch(() => {});
  }
}
