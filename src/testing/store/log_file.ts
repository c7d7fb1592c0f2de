import { describe, InvalidArgumentError } from "../../errors.ts";

/** The file that a log is kept in beside the memory, so that another process can go on with it. */
export class LogFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  #isOpen = true;

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Opens the file of a log, or makes it and its folder. One process at a time can have it.
   *
   * @throws {InvalidArgumentError} when it can't be opened, or another process has it.
   */
  static open(folder: string, name: string): LogFile {
    const path = `${folder}/${name}.log`;
    let file: Deno.FsFile;
    try {
      Deno.mkdirSync(folder, { recursive: true });
      file = Deno.openSync(path, { read: true, write: true, create: true });
    } catch (cause) {
      const remedy = cause instanceof Deno.errors.NotCapable
        ? `run this program with --allow-read=${folder} --allow-write=${folder}`
        : describe(cause);
      throw new InvalidArgumentError(`Cannot open ${path}: ${remedy}`, { cause });
    }
    if (file.tryLockSync(true)) return new LogFile(path, file);
    file.close();
    throw new InvalidArgumentError(
      `Cannot open ${path}: another embedded broker has it, choose another folder or end that one`,
    );
  }

  /** What was appended, also by earlier processes. */
  read(): Uint8Array {
    return Deno.readFileSync(this.#path);
  }

  /** Drops what is behind `length`: the record that a crash has cut off. */
  truncate(length: number): void {
    this.#file.truncateSync(length);
    this.#file.seekSync(0, Deno.SeekMode.End);
  }

  /** Adds a record. It outlives this process at once, a power failure not before a while. */
  append(record: Uint8Array): void {
    for (let written = 0; written < record.length;) {
      written += this.#file.writeSync(record.subarray(written));
    }
  }

  /** Lets others have it. Calling it again does nothing. */
  close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }
}
