/** A file that bytes are appended to, opened and locked. */
export interface AppendFile {
  /** Reads all of it. */
  read(): Uint8Array;
  /** Drops what is behind `length`. */
  truncate(length: number): void;
  /** Appends bytes and gives how many were taken. */
  write(bytes: Uint8Array): number;
  /** Lets others have it. */
  close(): void;
}
