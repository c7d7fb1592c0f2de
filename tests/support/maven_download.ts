import { TextLineStream } from "@std/streams/text-line-stream";

/** Multiples of a byte, as Maven writes them. */
const UNITS: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

/** A run of Maven, and what it says to have downloaded so far. */
export class MavenDownload {
  /** Lines in which it tells of errors. */
  readonly errors: string[] = [];
  #files = 0;
  #bytes = 0;

  /** Runs it; gives whether it succeeded. */
  async run(maven: string, args: readonly string[]): Promise<boolean> {
    const child = new Deno.Command(maven, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const lines = child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) this.take(line);
    return (await child.status).success;
  }

  /** Takes a line that it has written. */
  take(line: string): void {
    if (line.includes("ERROR")) this.errors.push(line);
    const match = /^(?:\[INFO\] )?Downloaded from .*\(([\d.]+) ([kMG]?B)(?: at .*)?\)/.exec(line);
    if (!match) return;
    this.#files++;
    this.#bytes += Number(match[1]) * UNITS[match[2]!]!;
  }

  /** How far it has come, as the end of a sentence; nothing while nothing was downloaded. */
  describe(): string {
    if (this.#files === 0) return "";
    return `, ${this.#files} files, ${(this.#bytes / 1e6).toFixed(1)} MB`;
  }
}
