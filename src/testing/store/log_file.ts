import { describe, InvalidArgumentError } from "../../errors.ts";
import { isDeno } from "../../runtime.ts";
import type { AppendFile } from "./append_file.ts";
import * as deno from "./deno_file.ts";
import * as node from "./node_file.ts";

/** The file that a log is kept in beside the memory, so that another process can go on with it. */
export class LogFile {
  readonly #file: AppendFile;
  #isOpen = true;

  private constructor(file: AppendFile) {
    this.#file = file;
  }

  /**
   * Opens the file of a log, or makes it and its folder. One process at a time can have it.
   *
   * @throws {InvalidArgumentError} when it can't be opened, or another process has it.
   */
  static open(folder: string, name: string): LogFile {
    const path = `${folder}/${name}.log`;
    const file = open(folder, path);
    if (file) return new LogFile(file);
    throw new InvalidArgumentError(
      `Cannot open ${path}: another embedded broker has it, choose another folder or end that one`,
    );
  }

  /** What was appended, also by earlier processes. */
  read(): Uint8Array {
    return this.#file.read();
  }

  /** Drops what is behind `length`: the record that a crash has cut off. */
  truncate(length: number): void {
    this.#file.truncate(length);
  }

  /** Adds a record. It outlives this process at once, a power failure not before a while. */
  append(record: Uint8Array): void {
    for (let written = 0; written < record.length;) {
      written += this.#file.write(record.subarray(written));
    }
  }

  /** Lets others have it. Calling it again does nothing. */
  close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }
}

function open(folder: string, path: string): AppendFile | undefined {
  try {
    return (isDeno ? deno : node).openFile(folder, path);
  } catch (cause) {
    const remedy = (cause as { name?: string }).name === "NotCapable"
      ? `run this program with --allow-read=${folder} --allow-write=${folder}`
      : describe(cause);
    throw new InvalidArgumentError(`Cannot open ${path}: ${remedy}`, { cause });
  }
}
